// sharp, warm, in a process of its own: the same commands as worker.py, from stdin.
const fs = require('node:fs')
const readline = require('node:readline')
const sharp = require('sharp')

sharp.cache(false) // the same picture again must be decoded again

let source = Buffer.alloc(0)
let result = Buffer.alloc(0)

function status(field) {
  const text = fs.readFileSync('/proc/self/status', 'utf8')
  return text.match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))[1]
}

async function thumbnail(quality) {
  const small = sharp(source)
    .rotate() // as EXIF says
    .resize(256, 256, { fit: 'inside', withoutEnlargement: true })
  const png = source[0] === 0x89
  return (png ? small.png() : small.jpeg({ quality })).toBuffer()
}

async function timed(quality) {
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  result = await thumbnail(quality)
  const wall = Number(process.hrtime.bigint() - start) / 1e6
  const used = process.cpuUsage(cpu)
  const cpuMs = (used.user + used.system) / 1e3
  return `${wall.toFixed(3)} ${cpuMs.toFixed(3)} ${result.length}`
}

const commands = {
  version: () => `sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`,
  load: (path) => {
    source = fs.readFileSync(path)
    return 'ok'
  },
  run: (quality) => timed(Number(quality)),
  save: (path) => {
    fs.writeFileSync(path, result)
    return 'ok'
  },
  reset: () => {
    fs.writeFileSync('/proc/self/clear_refs', '5')
    return status('VmRSS')
  },
  peak: () => status('VmHWM'),
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [, command, argument] = line.match(/^(\w+) ?(.*)$/)
    try {
      console.log(await commands[command](argument))
    } catch (error) {
      console.log(`error ${error.message.split('\n')[0]}`) // told, and it goes on
    }
  }
}

main()
