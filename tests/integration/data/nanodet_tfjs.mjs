// Runs the published TFJS graph in TensorFlow.js itself and prints sampled cells: the reference our converter is
// held to (nanodet_tfjs.json). Made once; to make it again:
//   npm install @tensorflow/tfjs-core@4 @tensorflow/tfjs-converter@4 @tensorflow/tfjs-backend-wasm@4 @tensorflow/tfjs-backend-cpu@4
//   node nanodet_tfjs.mjs FOLDER_OF_nanodet.json INPUT.f32 > cells.json
// INPUT.f32: float32 (1, 3, 416, 416), bus.jpg as models.quantise makes it for kind nanodet.
import fs from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

const [folder, input] = process.argv.slice(2);
setWasmPaths(`${process.cwd()}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`);
await tf.setBackend('wasm');
await tf.ready();
const graph = JSON.parse(fs.readFileSync(`${folder}/nanodet.json`));
const weights = new Uint8Array(fs.readFileSync(`${folder}/nanodet.bin`));
const model = await loadGraphModel({
  load: async () => ({
    modelTopology: graph.modelTopology,
    format: graph.format,
    signature: graph.signature,
    weightSpecs: graph.weightsManifest[0].weights,
    weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
  }),
});
const raw = new Uint8Array(fs.readFileSync(input));
const picture = tf.tensor(new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength)), [1, 3, 416, 416]);
const names = ['Identity:0', 'Identity_1:0', 'Identity_2:0', 'Identity_3:0', 'Identity_4:0', 'Identity_5:0'];
const [s8, s16, s32, d8, d16, d32] = await Promise.all(model.execute({ 'input_1:0': picture }, names).map((t) => t.data()));
const cells = [];
for (const [stride, scores, bins] of [[8, s8, d8], [16, s16, d16], [32, s32, d32]]) {
  const count = (416 / stride) ** 2;
  const best = (cell) => Math.max(...scores.subarray(cell * 80, cell * 80 + 80));
  const order = [...Array(count).keys()].sort((a, b) => best(b) - best(a));
  const spread = order.filter((_, index) => index < 12 || index % Math.floor(count / 8) === 0);
  for (const cell of spread) {
    const own = [...scores.subarray(cell * 80, cell * 80 + 80)];
    const sides = [0, 1, 2, 3].map((side) => [...bins.subarray(cell * 44 + side * 11, cell * 44 + side * 11 + 11)]);
    cells.push({ stride, cell, class: own.indexOf(best(cell)), score: best(cell), bins: sides });
  }
}
console.log(JSON.stringify({ cells }));
