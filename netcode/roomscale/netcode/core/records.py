"""The records of a SIGHT, one by one: a Keyframe of 16 bytes, or a Delta of 8 that is read against a known pose.

Rule: what a Delta means depends on nothing but the pose it is read against. There is no baseline to lose: any pose
of the same peer that is at most `REFERENCE_TICKS` older will do, because the server sends a Delta only to say what
all of them agree on (`core.motion` keeps that promise, and writes these same bits for everybody at once, in numpy).
"""

from __future__ import annotations

from typing import Final

from roomscale.netcode.core.messages import Delta, Flags, Keyframe, Pose
from roomscale.netcode.core.wire import Reader, bits, pack_pose, signed, uint, want

KEYFRAME: Final = 1 << 13
"""The bit of a record's first two bytes that tells a Keyframe from a Delta."""
PEER_MASK: Final = KEYFRAME - 1
AGE_MS: Final = 16
"""Milliseconds in one step of a record's age."""
OLDEST: Final = 15
"""An age of so many steps, or more."""
WINDOW: Final = 2048
"""Centimetres after which x and z of a Delta repeat."""
WINDOW_Y: Final = 256
"""Centimetres after which y of a Delta repeats."""


def read_record(r: Reader) -> Keyframe | Delta:
    """The next record of a frame. Raises ProtocolError."""
    head = r.uint(2)
    peer = head & PEER_MASK
    want(peer != 0, "peer 0 is nobody")
    if head & KEYFRAME:
        want(head >> 14 == 0, "the bits above a keyframe's mark are 0")
        p = r.pose()
        return Keyframe(peer, p.x, p.y, p.z, p.yaw, p.pitch, p.gesture, p.flags & 15, p.flags >> 4)
    word = r.uint(6)
    x = (head >> 14) | (word & 0x1FF) << 2
    pitch = (word >> 9 & 127 ^ 64) - 64
    return Delta(peer, x, pitch, word >> 16 & 2047, word >> 27 & 255, word >> 35 & 1, word >> 36 & 255, word >> 44)


def pack_record(record: Keyframe | Delta) -> bytes:
    """The bytes of a record. Raises ValueError for a number that does not fit."""
    match record:
        case Keyframe(peer, x, y, z, yaw, pitch, gesture, flags, age):
            head = uint(bits((peer, 13)) | KEYFRAME, 2)
            return head + pack_pose(Pose(x, y, z, yaw, pitch, gesture, bits((flags, 4), (age, 4))))
        case Delta(peer, x, pitch, z, y, speaking, yaw, age):
            low = bits((peer, 13), (0, 1), (x, 11), signed(pitch, 7))
            return uint(low | bits((z, 11), (y, 8), (speaking, 1), (yaw, 8), (age, 4)) << 32, 8)


def pose_of(record: Keyframe | Delta, known: Pose | None) -> Pose | None:
    """The pose that a record tells; of a Delta, the one nearest to what is known of its peer, or None without that.

    Gesture and flags of a Delta, but for the one that tells of speaking, are those known: a change of them comes in
    keyframes.
    """
    if isinstance(record, Keyframe):
        return Pose(record.x, record.y, record.z, record.yaw, record.pitch, record.gesture, record.flags)
    if known is None:
        return None
    return Pose(
        _near(record.x, known.x, WINDOW),
        _near(record.y, known.y, WINDOW_Y),
        _near(record.z, known.z, WINDOW),
        record.yaw << 8,
        max(-127, min(127, record.pitch * 2)),
        known.gesture,
        known.flags & ~Flags.SPEAKING | record.speaking * Flags.SPEAKING,
    )


def _near(low: int, known: int, window: int) -> int:
    """Millimetres: the place whose centimetres end in `low`, within half a window of a known place."""
    centimetres = (known + 5) // 10
    half = window // 2
    return (centimetres + (low - centimetres + half) % window - half) * 10
