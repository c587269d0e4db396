"""Runs Basis Universal's encoder in V8 (mini-racer) for `confined`: pixels become KTX2, and KTX2 pixels.

Rule: each image is encoded by an encoder of its own, which no earlier one leaves a trace in: the same pixels and
settings give the same bytes.

A question is `do`, "encode" or "decode", with one file. "encode" takes RGBA with `width`, `height` and the settings
of `encoders.Settings`; "decode" takes KTX2. The answer has one file, the other of the two, and for "decode" `width` and
`height`; or it is `error`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from py_mini_racer import DEFAULT_V8_FLAGS, JSPromise, MiniRacer, init_mini_racer

# A clock is what the encoder asks for to tell how long it took; this one stands still.
SURROUNDINGS = "var performance = {now: () => 0}, basis, given, made;"
START = """
BASIS({
  print() {},
  printErr() {},
  instantiateWasm(imports, done) {
    const compiled = new WebAssembly.Module(given);
    done(new WebAssembly.Instance(compiled, imports), compiled);
    return {};
  },
}).then((module) => { basis = module; basis.initializeBasis(); return true; })
"""
# `slack`: bytes that the file may take beyond those of its pixels and their smaller copies: header and tables.
WORK = """
function encode({width, height, colour, normal, blocks, quality, effort, saving}) {
  const encoder = new basis.BasisEncoder(), slack = 1 << 16;
  try {
    encoder.setTexType(0);
    encoder.setCreateKTX2File(true);
    encoder.setPerceptual(colour);
    encoder.setKTX2AndBasisSRGBTransferFunc(colour);
    encoder.setMipGen(true);
    encoder.setMipSRGB(colour);
    encoder.setMipRenormalize(normal);
    encoder.setUASTC(blocks);
    if (blocks) {
      encoder.setPackUASTCFlags(effort);
      encoder.setKTX2UASTCSupercompression(true);
      if (saving > 0) {
        encoder.setRDOUASTC(true);
        encoder.setRDOUASTCDictSize(1024);
        encoder.setRDOUASTCQualityScalar(saving);
      }
    } else {
      encoder.setQualityLevel(quality);
      encoder.setETC1SCompressionLevel(effort);
    }
    if (encoder.setSliceSourceImage(0, new Uint8Array(given), width, height, 0) === false) return 0;
    const room = new Uint8Array(width * height * 2 + slack), size = encoder.encode(room);
    made = room.buffer.slice(0, size);
    return size;
  } finally {
    encoder.delete();
  }
}
function decode() {
  const file = new basis.KTX2File(new Uint8Array(given)), RGBA32 = 13;
  try {
    if (!file.isValid() || file.isHDR() || file.getFaces() !== 1 || file.getLayers() > 1) return "";
    if (!file.startTranscoding()) return "";
    const size = file.getImageTranscodedSizeInBytes(0, 0, 0, RGBA32), room = new Uint8Array(size);
    if (!file.transcodeImage(room, 0, 0, 0, RGBA32, 0, -1, -1)) return "";
    made = room.buffer;
    return JSON.stringify({width: file.getWidth(), height: file.getHeight()});
  } finally {
    file.close();
    file.delete();
  }
}
"""
Answer = tuple[dict[str, Any], list[bytes]]


def start(arguments: list[str]) -> Callable[[dict[str, Any], list[bytes]], Answer]:
    """What answers a question. `arguments`: the paths of the script and of the WebAssembly, bytes of V8's heap."""
    init_mini_racer(flags=(*DEFAULT_V8_FLAGS, f"--max-heap-size={int(arguments[2]) >> 20}"))
    context = MiniRacer()
    context.eval(SURROUNDINGS)
    context.eval(Path(arguments[0]).read_text("utf-8") + "\n;0")
    _give(context, Path(arguments[1]).read_bytes())
    started = context.eval(START)
    if not isinstance(started, JSPromise) or started.get() is not True:
        raise RuntimeError("it does not start")
    context.eval(WORK)
    return lambda question, files: _answer(context, question, files)


def _answer(context: MiniRacer, question: dict[str, Any], files: list[bytes]) -> Answer:
    try:
        _give(context, files[0])
        if question["do"] == "encode":
            size = context.eval(f"encode({json.dumps(question)})")
            return ({}, [_made(context)]) if size else ({"error": "the encoder gave nothing"}, [])
        told = str(context.eval("decode()"))
        return (json.loads(told), [_made(context)]) if told else ({"error": "it is no KTX2 of one picture"}, [])
    except Exception as error:  # of V8 or of the script, whatever it is: the answer is that it failed
        return {"error": f"{type(error).__name__}: {str(error)[:200]}"}, []


def _give(context: MiniRacer, data: bytes) -> None:
    buffer = context.eval(f"made = undefined; given = new ArrayBuffer({len(data)}); given")
    if data and isinstance(buffer, memoryview):  # V8 gives an empty buffer no memory
        buffer[:] = data


def _made(context: MiniRacer) -> bytes:
    buffer = context.eval("made")
    return bytes(buffer) if isinstance(buffer, memoryview) else b""
