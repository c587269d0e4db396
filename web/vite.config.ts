/**
 * How the client is built: one page, three.js in a chunk of its own, no inline script (the gate's
 * content security policy forbids them).
 */
import { defineConfig } from "vitest/config";

import { transcoderWithoutEval } from "./src/scene/blocks.build.ts";

const gate = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  plugins: [transcoderWithoutEval()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // data: URLs would need a wider content security policy
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 900, // the core of three.js, in kB before compression; its decoders load when a scene needs them
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: "three", test: /node_modules\/three\/build\// }] },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(["/_matrix", "/.well-known", "/api", "/avatars", "/net"].map((path) => [path, { target: gate, ws: path === "/net" }])),
    fs: { allow: [".."] }, // the netcode vectors, beside web/
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
    testTimeout: 20_000,
  },
});
