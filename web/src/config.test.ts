import { describe, expect, it } from "vitest";
import { ownPath, readLink, readRoute } from "./config";

describe("the address bar", () => {
  it.each([
    ["/w/plaza", "", "#plaza:h"],
    ["/w/plaza/", "", "#plaza:h"],
    ["/w/%23plaza%3Aother.org", "", "#plaza:other.org"],
    ["/w/!abc%3Ah", "?via=h&via=i", "!abc:h"],
    ["/w/!v12room", "", "!v12room"],
  ])("%s%s is %s", (path, search, reference) => {
    expect(readRoute(path, search, "h")).toMatchObject({ page: "world", reference });
  });

  it("all else is the start page", () => {
    for (const path of ["/", "/w/", "/w", "/w/a/b", "/w/%E0%A4%A", "/x"]) expect(readRoute(path, "", "h")).toEqual({ page: "start" });
  });

  it("takes a few servers to ask, no more", () => {
    const route = readRoute("/w/!a", "?" + "via=s&".repeat(50), "h");
    expect(route.page === "world" && route.via.length).toBe(5);
  });
});

describe("links in a scene", () => {
  it.each([
    ["matrix:r/gallery:h", "/w/gallery"],
    ["matrix:r/gallery:other.org", "/w/%23gallery%3Aother.org"],
    ["matrix:roomid/abc:h?via=h&via=i.org", "/w/!abc%3Ah?via=h&via=i.org"],
    ["https://matrix.to/#/#gallery:h", "/w/gallery"],
    ["https://matrix.to/#/%23gallery%3Ah", "/w/gallery"],
    ["https://matrix.to/#/!abc:h?via=h", "/w/!abc%3Ah?via=h"],
  ])("%s leads to %s", (uri, path) => expect(readLink(uri, "h")).toEqual({ kind: "world", path }));

  it("https is asked about, by its host", () => {
    expect(readLink("https://example.org:444/x?y", "h")).toEqual({ kind: "web", url: "https://example.org:444/x?y", host: "example.org:444" });
  });

  it.each([
    "javascript:alert(1)", "data:text/html,x", "http://example.org/", "file:///etc/passwd", "matrix:u/ada:h", "matrix:r/", "matrix:r/a/e/b", "",
    "https://user:pass@example.org/", "blob:https://x/y", "/w/plaza", "https://matrix.to/#/@ada:h", "https://" + "x".repeat(3_000), "vbscript:x",
  ])("%s leads nowhere", (uri) => expect(readLink(uri, "h")).toBeNull());

  it("what stands in a name cannot leave the path", () => {
    const to = readLink("matrix:r/..%2F..%2Fapi:h", "h");
    expect(to).toEqual({ kind: "world", path: "/w/..%2F..%2Fapi" });
  });
});

describe("paths that the gate names", () => {
  it.each(["/api/worlds/x/thumbnail", "/avatars/ada.glb"])("%s is ours", (path) => expect(ownPath(path)).toBe(path));
  it.each(["//evil.example/x", "/\\evil.example", "https://evil.example", "x", "", null, 4])("%j is not", (path) => expect(ownPath(path)).toBeNull());
});
