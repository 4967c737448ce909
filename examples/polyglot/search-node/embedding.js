// A deterministic embedding without a model: hashed word stems and character trigrams, number for number as in Rust.
"use strict";

const DIMENSIONS = 512;

const COMMON = new Set(
  (
    "a an and are as at be by can do does for from has have how i if in is it its mean means my not of on or so that the " +
    "then there they this to was what when where which who why with you your should will one many much get use used"
  ).split(" "),
);

function stem(word) {
  for (const ending of ["ies", "es", "s", "ing", "ed"]) {
    if (!word.endsWith(ending)) continue;
    const stem = word.slice(0, -ending.length);
    if (Buffer.byteLength(stem) >= 4) return stem;
  }
  return word;
}

function words(text) {
  return text
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => word.toLowerCase())
    .filter((word) => word !== "" && !COMMON.has(word))
    .map(stem);
}

// FNV-1a, 64 bits.
function hash(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}

function add(sums, text, weight) {
  const place = hash(text);
  sums[Number(place % BigInt(DIMENSIONS))] += place >> 63n === 0n ? weight : -weight;
}

function embed(text) {
  const sums = new Float32Array(DIMENSIONS);
  for (const word of words(text)) {
    add(sums, word, 1 + Math.min([...word].length, 12) / 12);
    const padded = [...`^${word}$`];
    for (let at = 0; at + 3 <= padded.length; at++) add(sums, `#${padded.slice(at, at + 3).join("")}`, 0.25);
  }
  const length = Math.sqrt(sums.reduce((sum, number) => sum + number * number, 0));
  return length > 0 ? Array.from(sums, (number) => number / length) : Array.from(sums);
}

module.exports = { DIMENSIONS, embed };
