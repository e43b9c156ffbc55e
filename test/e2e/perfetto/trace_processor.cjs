// Perfetto's trace processor, as its web page runs it in a worker: requests come on standard input,
// answers go to standard output. The only argument is the folder with engine_bundle.js.
const fs = require("node:fs");
const path = require("node:path");
const folder = process.argv[2];
const input = process.stdin;

class XMLHttpRequest {
  open(_, url) {
    this.file = path.join(folder, path.basename(url));
  }
  send() {
    const data = fs.readFileSync(this.file);
    this.response = data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
  }
}

console.log = console.error;
console.warn = () => {};
Object.assign(globalThis, {
  self: globalThis,
  WorkerGlobalScope: class {},
  XMLHttpRequest,
  location: { href: `worker:///${folder}/engine_bundle.js` },
});
// The engine looks for a browser, and would take a version of Node for the opposite.
globalThis.process = { ...process, versions: {}, type: "renderer" };

(0, eval)(fs.readFileSync(path.join(folder, "engine_bundle.js"), "utf8"));
const port = { postMessage: (data) => fs.writeSync(1, data) };
self.onmessage({ data: port });
setTimeout(() => {
  input.on("data", (chunk) => port.onmessage({ data: new Uint8Array(chunk) }));
}, 0);
