/**
 * How the client is built: one page, three.js in a chunk of its own, no inline script (the gate's
 * content security policy forbids them), and `build.json` naming the build for `/api/config`.
 */
import { defineConfig, type Plugin } from "vite";

/** Writes `build.json` with the hash that is in the entry's file name: it changes whenever the code does. */
function buildId(): Plugin {
  return {
    name: "roomscale-build-id",
    apply: "build",
    generateBundle(_options, bundle) {
      const entry = Object.values(bundle).find((file) => file.type === "chunk" && file.isEntry);
      const id = entry ? /-([\w-]{8})\.js$/.exec(entry.fileName)?.[1] : undefined;
      if (!id) throw new Error("the entry chunk bears no hash, so this build has no id");
      this.emitFile({ type: "asset", fileName: "build.json", source: JSON.stringify({ client: id }) + "\n" });
    },
  };
}

const gate = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  plugins: [buildId()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // data: URLs would need a wider content security policy
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 900, // three.js, in kB before compression; it is a chunk of its own
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: "three", test: /node_modules\/three(-mesh-bvh)?\// }] },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(["/_matrix", "/.well-known", "/api", "/avatars"].map((path) => [path, gate])),
    fs: { allow: [".."] }, // the netcode vectors, beside web/
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
    testTimeout: 20_000,
  },
} as Parameters<typeof defineConfig>[0]);
