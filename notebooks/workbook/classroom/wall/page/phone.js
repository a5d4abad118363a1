"use strict";
// Photos go to the wall one after another. Names are set as text, and not sent.
const { way, most, tooLarge } = document.body.dataset;
const list = document.getElementById("files");
const TRIES = 8;
const HEAD = 1024; // bytes that tell what a file is
let turn = Promise.resolve();

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

class Refused extends Error {}

// Asks until it is this phone's turn; what is refused for good is told in a sentence.
async function ask(path, body, line) {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const answer = await fetch(path, { method: "POST", body }).catch(() => null);
    if (answer?.ok) return answer.json();
    if (answer && answer.status !== 429 && answer.status !== 503)
      throw new Refused(await answer.text());
    line.what.textContent = answer
      ? await answer.text() : "No answer: this one is tried again.";
    await pause(Number(answer?.headers.get("Retry-After")) || 2);
  }
  throw new Refused("Not taken: the wall does not answer. Has the lesson ended?");
}

async function throughForm(file, line) {
  const form = await ask(`form?size=${file.size}`, file.slice(0, HEAD), line);
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append("file", file, "photo");
  const answer = await fetch(form.url, { method: "POST", body }).catch(() => null);
  if (!answer) throw new Refused("Not taken: S3 cannot be reached from this phone.");
  if (!answer.ok)  // as two minutes after it was signed
    throw new Refused(`Not taken: S3 refused it (${answer.status}). Choose it again.`);
  return form;
}

async function send(file, line) {
  line.what.textContent = "Sending …";
  try {
    if (file.size > Number(most)) throw new Refused(tooLarge);
    const sent = way === "form"
      ? await throughForm(file, line) : await ask("photos", file, line);
    line.what.textContent = `On its way to the wall, as number ${sent.number}.`;
    line.item.className = "sent";
  } catch (error) {
    line.what.textContent = error instanceof Refused
      ? error.message : "Not taken: the phone could not read it. Choose it again.";
    line.item.classList.add("refused");
  }
}

function newLine(file) {
  const item = document.createElement("li");
  const picture = document.createElement("img");
  picture.alt = "";
  picture.onerror = () => { picture.remove(); item.classList.add("noimage"); };
  picture.onload = () => URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(file);
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = file.name;
  const what = document.createElement("span");
  what.className = "what";
  what.textContent = "Waits for its turn.";
  item.append(picture, name, what);
  list.prepend(item);
  return { item, what };
}

for (const id of ["take", "choose"]) {
  document.getElementById(id).onchange = (event) => {
    for (const file of event.target.files) {
      const line = newLine(file);
      turn = turn.then(() => send(file, line));
    }
    event.target.value = "";
  };
}
