"""Audio: the sounds of the worlds, synthesised and then packed as MP3.

Noise is shaped in the frequency domain over the whole loop, so every loop closes without a seam before it is packed.
Its one rule: mono, seeded, and short; KHR_audio_emitter knows audio/mpeg only, hence MP3.
"""

from __future__ import annotations

import io

import av
import numpy as np

from roomscale.assets.samples.geometry import Array

RATE = 32000  # Hz: water and wind have nothing above 16 kHz worth its bytes


def _coloured(seconds: float, low: float, high: float, slope: float, seed: int) -> Array:
    """Looping noise between two corner frequencies (Hz), its power falling by `slope` (1: pink)."""
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    shape = 1 / np.maximum(frequency, 20) ** (slope / 2)
    shape /= (1 + (low / np.maximum(frequency, 1)) ** 4) * (1 + (frequency / high) ** 4)
    sound = np.fft.irfft(spectrum * shape, count)
    loud: Array = sound / np.abs(sound).max()
    return loud


def _swell(seconds: float, turns: tuple[int, ...], seed: int) -> Array:
    """A slow looping curve in 0..1 made of whole periods."""
    t = np.arange(int(seconds * RATE)) / (seconds * RATE)
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(turns))
    curve = sum(np.sin(2 * np.pi * n * t + p) for n, p in zip(turns, phases, strict=True))
    return np.asarray(0.5 + 0.5 * curve / len(turns))


def wind(seconds: float = 9) -> bytes:
    """Evening air between houses: two bands that swell against each other, and far chimes."""
    low = _coloured(seconds, 60, 340, 1.2, 1) * (0.35 + 0.65 * _swell(seconds, (1, 2, 5), 2))
    high = _coloured(seconds, 420, 1500, 1.0, 3) * 0.35 * _swell(seconds, (1, 3, 4), 4)
    return pack(0.5 * low + 0.5 * high + 0.10 * _chimes(seconds))


def water(seconds: float = 6) -> bytes:
    """A fountain: bright splashes over a low murmur."""
    splash = _coloured(seconds, 900, 6000, 0.6, 5) * (0.55 + 0.45 * _swell(seconds, (7, 11, 13, 29), 6))
    murmur = _coloured(seconds, 150, 700, 1.0, 7) * (0.6 + 0.4 * _swell(seconds, (3, 5), 8))
    return pack(0.38 * splash + 0.5 * murmur)


def _chimes(seconds: float) -> Array:
    """A few notes of a pentatonic scale, ringing over the loop's end into its beginning."""
    count = int(seconds * RATE)
    sound = np.zeros(count)
    rng = np.random.default_rng(9)
    t = np.arange(int(3.5 * RATE)) / RATE
    for k in range(7):
        note = 587.33 * 2 ** (rng.choice([0, 2, 4, 7, 9, 12]) / 12)
        strike = sum(
            a * np.sin(2 * np.pi * note * f * t) * np.exp(-t * d)
            for f, a, d in ((1, 1, 1.6), (2.76, 0.4, 3), (5.4, 0.15, 6))
        )
        start = int((k + rng.uniform(0, 0.8)) / 7 * count)
        np.add.at(sound, (start + np.arange(len(t))) % count, strike * rng.uniform(0.3, 1))
    loud: Array = sound / np.abs(sound).max()
    return loud


def portal(seconds: float = 5) -> bytes:
    """A soft beating hum around the portal: detuned whole-period sines."""
    t = np.arange(int(seconds * RATE)) / RATE
    tones = [(110, 1.0), (110.4, 0.8), (165, 0.5), (220.2, 0.4), (330.6, 0.2), (441, 0.12)]
    hum = sum(a * np.sin(2 * np.pi * f * t) for f, a in tones)
    return pack(np.asarray(hum) * 0.16 * (0.7 + 0.3 * _swell(seconds, (1, 2), 10)))


def pack(sound: Array, bit_rate: int = 32000) -> bytes:
    """Mono MP3 of samples in -1..1."""
    samples = np.round(np.clip(sound, -1, 1) * 32000).astype(np.int16)
    sink = io.BytesIO()
    with av.open(sink, mode="w", format="mp3", options={"write_xing": "1", "id3v2_version": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=RATE)
        stream.bit_rate = bit_rate
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16p", layout="mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return sink.getvalue()
