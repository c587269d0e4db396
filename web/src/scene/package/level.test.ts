import { expect, it } from "vitest";

import { chooseLevel, type Device } from "./level";

const desktop: Device = { memory: 8, coarse: false, saving: false, texture: 16_384 };

it.each<[string, Partial<Device>, string | null, number]>([
  ["a desktop", {}, null, 2],
  ["a browser that does not tell its memory", { memory: null }, null, 2],
  ["a phone", { coarse: true }, null, 1],
  ["little memory", { memory: 4 }, null, 1],
  ["somebody who saves data", { saving: true }, null, 1],
  ["a GPU with small textures", { texture: 4096 }, null, 1],
  ["an address that asks for the entry alone", {}, "0", 0],
  ["an address that asks for more on a phone", { coarse: true }, "2", 2],
  ["an address that asks for too much", {}, "99", 15],
  ["an address that asks for nonsense", {}, "-1", 2],
  ["an address that asks for nothing", {}, "", 2],
])("%s", (_, device, asked, level) => {
  expect(chooseLevel({ ...desktop, ...device }, asked)).toBe(level);
});
