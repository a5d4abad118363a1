"use strict";
// The wall: asks once a second for what is new. Every word is set as text, never as HTML.
const at = (id) => document.getElementById(id);
const list = at("photos");
const cards = new Map();
const told = new Map();
let missed = 0;

const root = document.documentElement;
root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
at("theme").onclick = () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
};
at("full").onclick = () =>
  document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
const enlarge = (open) => at("qr").setAttribute("aria-expanded", String(open));
at("qr").onclick = () => enlarge(at("qr").getAttribute("aria-expanded") !== "true");
at("qr").onblur = () => enlarge(false);
at("end").onclick = () => at("ask").showModal();
at("ask").onclose = () => {
  if (at("ask").returnValue === "yes") fetch("end", { method: "POST" });
};

const post = (path) => fetch(path, { method: "POST" });

function hide(number) {
  const card = cards.get(number);
  if (!card) return;
  (card.nextElementSibling || card.previousElementSibling)?.focus();
  card.remove();
  cards.delete(number);
  told.set(number, "hidden");
  at("said").textContent = `Photo ${number} is hidden.`;
  post(`${number}/hide`);
}

function move(event, card, number) {
  const beside = {
    ArrowRight: card.nextElementSibling, ArrowDown: card.nextElementSibling,
    ArrowLeft: card.previousElementSibling, ArrowUp: card.previousElementSibling,
  };
  if (event.key === "Delete") hide(number);
  else if (event.key in beside) beside[event.key]?.focus();
  else return;
  event.preventDefault();
}

function newCard(number) {
  const card = at("card").content.firstElementChild.cloneNode(true);
  card.querySelector(".number").textContent = `#${number}`;
  const photo = card.querySelector(".photo img");
  photo.alt = `Photo ${number} as it was uploaded`;
  photo.onerror = () => photo.remove();
  photo.src = `${number}/photo`;
  card.querySelector(".thumbnail img").hidden = true;
  const button = card.querySelector(".hide");
  button.setAttribute("aria-label", `Hide photo ${number}`);
  button.title = "Or the Delete key";
  button.onclick = () => hide(number);
  card.onkeydown = (event) => move(event, card, number);
  cards.set(number, card);
  return card;
}

function fill(card, photo) {
  const part = (name) => card.querySelector(name);
  card.dataset.outcome = photo.outcome;
  part(".badge").textContent = photo.outcome;
  if (photo.outcome === "waiting") return;
  part(".time").textContent = `${photo.ms.toLocaleString("en")} ms`;
  part(".start").textContent = `, ${photo.start}`;
  part(".photo figcaption").textContent = photo.photo;
  const thumbnail = part(".thumbnail img");
  const made = photo.outcome === "made";
  part(".reason").textContent = photo.reason;
  part(".thumbnail figcaption").textContent = made ? photo.thumbnail : "";
  thumbnail.hidden = !made;
  if (!made) return;
  thumbnail.alt = `Thumbnail of photo ${photo.number}, ${photo.thumbnail}`;
  thumbnail.src = `${photo.number}/thumbnail`;
}

function say(photo) {
  const made = photo.outcome === "made" ? `made in ${photo.ms} ms` : photo.outcome;
  at("said").textContent = `Photo ${photo.number}: ${made}. ${photo.reason || ""}`;
}

function show(photos) {
  const seen = photos.filter(({ number }) => told.get(number) !== "hidden");
  for (const photo of [...seen].reverse()) {
    const known = cards.get(photo.number);
    const card = known || newCard(photo.number);
    const state = JSON.stringify(photo);
    if (told.get(photo.number) !== state) {
      fill(card, photo);
      told.set(photo.number, state);
      if (photo.outcome !== "waiting") say(photo);
    }
    // The newest stand first; numbers come in order, but for a slow phone's.
    const below = [...list.children].find((each) => each.number < photo.number);
    card.number = photo.number;
    if (!known) list.insertBefore(card, below || null);
  }
  const there = new Set(seen.map(({ number }) => number));
  for (const [number, card] of cards) {
    if (!there.has(number)) { card.remove(); cards.delete(number); }
  }
}

function count({ count, median }) {
  at("count").textContent = count;
  at("median").textContent = median === null ? "–" : `${median.toLocaleString("en")} ms`;
  at("empty").hidden = count > 0;
}

function trouble(sentence) {
  if (at("trouble").textContent !== sentence) at("trouble").textContent = sentence;
  at("trouble").hidden = !sentence;
}

async function ask() {
  try {
    const state = await (await fetch("state")).json();
    show(state.photos);
    count(state);
    trouble(state.trouble);
    missed = 0;
  } catch {
    missed += 1;
    if (missed === 3) trouble("The wall is closed: no more photos are taken.");
  }
  if (missed < 3) setTimeout(ask, 700);
}
ask();
