/**
 * Which level of a package this device shows: 1 is made for phones, 2 for desktops (scenes/PACKAGE.md, "Levels").
 *
 * Rule: in doubt the lower one, for too much memory ends a phone's page; `?level=` in the address wins.
 */

export const ENTRY = 0;
export const PHONE = 1;
export const DESKTOP = 2;
const HIGHEST = 15;

/** What a page can know of the machine it is on; null where the browser does not tell. */
export interface Device {
  /** Gigabytes, rounded by the browser; at most 8. */
  readonly memory: number | null;
  /** Whether its main pointer is a finger. */
  readonly coarse: boolean;
  /** Whether its owner asks for few bytes. */
  readonly saving: boolean;
  /** Pixels on a side of the largest texture. */
  readonly texture: number;
}

/** Gigabytes up to which a machine counts as a phone. */
const LITTLE_MEMORY = 4;
/** Pixels that a GPU must take on a side for pictures of 2,048 to be no strain. */
const ABLE_TEXTURE = 8192;

/** The level for a device. `asked`: what the address says, if anything. */
export function chooseLevel(device: Device, asked: string | null): number {
  if (asked !== null && /^\d{1,2}$/.test(asked)) return Math.min(Number(asked), HIGHEST);
  const small = device.coarse || device.saving || device.texture < ABLE_TEXTURE;
  return small || (device.memory !== null && device.memory <= LITTLE_MEMORY) ? PHONE : DESKTOP;
}

/** This device. `texture`: what its WebGL says. */
export function thisDevice(texture: number): Device {
  const { deviceMemory, connection } = navigator as Navigator & { deviceMemory?: number; connection?: { saveData?: boolean } };
  return {
    memory: typeof deviceMemory === "number" ? deviceMemory : null,
    coarse: matchMedia("(pointer: coarse)").matches,
    saving: connection?.saveData === true,
    texture,
  };
}
