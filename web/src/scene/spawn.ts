/**
 * Where a visitor stands when the scene does not say: a sane spot, found by measuring.
 *
 * Rule: the same scene gives the same spot everywhere. The ground is sampled in columns, standing places are joined into
 * regions that can be walked through, and the best region is the one with the most room that is inside rather than on top
 * of something; in it, the place with the freest view near the region's middle.
 */

import { overlaps } from "../walk/capsule";
import { HEIGHT, MIN_UP, RADIUS, STEP_HEIGHT } from "../walk/body";
import type { Box, Solid } from "../walk/solid";

export interface Spot {
  x: number;
  y: number;
  z: number;
  yaw: number;
}

/** One place to stand. */
interface Stand extends Spot {
  column: number;
  row: number;
  /** Something is overhead within `CEILING` metres. */
  covered: boolean;
  /** Standing places above this one in its column, and below it. */
  above: number;
  below: number;
  region: number;
}

interface Region {
  stands: Stand[];
  /** m². */
  area: number;
  /** Share of its places that have a roof over them, or ground below them. */
  covered: number;
  raised: number;
  /** 0..1: how much of what is seen from it shows its back: near 1 within the mass of walls and floors. */
  inverted: number;
}

/** Columns along the longer side: 64² columns of a few rays each take below 100 ms. */
const COLUMNS = 64;
/** Metres between columns, at least: finer tells nothing about a body 0.6 m wide. */
const FINEST = 0.3;
/** Surfaces in one column that are looked at. */
const MOST_LEVELS = 8;
/** Metres of height in which a roof makes a place indoors. */
const CEILING = 12;
/** Metres beyond which more view is not better. */
const VIEW = 25;
const EYES = 1.5;
/** Share of a region that is under a roof, and m² up to which, for it to be a house rather than a place with arcades. */
const HOUSE_SHARE = 0.2;
const LARGEST_HOUSE = 400;
/** m² of walkable ground below which there is nothing to walk on. */
const LEAST_AREA = 3;

/** A chosen place, and what it is in. */
export interface Chosen extends Spot {
  /** m² that can be walked on from there. */
  area: number;
  /** 0..1: the share of it that is under a roof. */
  covered: number;
}

/** The best place to stand, or null when there is no ground to walk on. `water` surfaces are stayed out of. */
export function chooseSpot(solid: Solid, bounds: Box, water: Solid | null = null): Chosen | null {
  const spacing = Math.max((Math.max(bounds.maxX - bounds.minX, bounds.maxZ - bounds.minZ) || 1) / COLUMNS, FINEST);
  const stands = sample(solid, bounds, spacing, water);
  const regions = join(stands, spacing, solid);
  const best = regions.filter((region) => region.area >= LEAST_AREA).sort((a, b) => worth(b) - worth(a))[0];
  if (best === undefined) return null;
  const place = bestPlace(solid, best);
  return { x: place.x, y: place.y, z: place.z, yaw: freestView(solid, place, middle(bounds)), area: best.area, covered: best.covered };
}

/** Standing places of all columns, on a grid that is centred in the bounds. */
function sample(solid: Solid, bounds: Box, spacing: number, water: Solid | null): Stand[] {
  const columns = Math.max(1, Math.round((bounds.maxX - bounds.minX) / spacing));
  const rows = Math.max(1, Math.round((bounds.maxZ - bounds.minZ) / spacing));
  const stands: Stand[] = [];
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      const x = bounds.minX + ((column + 0.5) * (bounds.maxX - bounds.minX)) / columns;
      const z = bounds.minZ + ((row + 0.5) * (bounds.maxZ - bounds.minZ)) / rows;
      const found = standsAt(solid, x, z, bounds, water);
      found.forEach((stand, at) => stands.push({ ...stand, column, row, above: at, below: found.length - 1 - at, region: -1, yaw: 0 }));
    }
  }
  return stands;
}

/** Standing places in one column, from the top down. */
function standsAt(solid: Solid, x: number, z: number, bounds: Box, water: Solid | null): Pick<Stand, "x" | "y" | "z" | "covered">[] {
  const found: Pick<Stand, "x" | "y" | "z" | "covered">[] = [];
  let from = bounds.maxY + 1;
  for (let level = 0; level < MOST_LEVELS; level++) {
    const hit = solid.cast(x, from, z, 0, -1, 0, from - bounds.minY + 1);
    if (hit === null) break;
    const y = from - hit.distance;
    from = y - 0.02;
    if (hit.normal[1] < MIN_UP || !hasRoom(solid, x, y, z)) continue;
    if (water?.cast(x, y + 0.05, z, 0, 1, 0, 3) != null) continue;
    const ceiling = solid.cast(x, y + 0.1, z, 0, 1, 0, CEILING);
    // The hollow within a thick floor shows the backs of its faces above and below.
    if (!hit.front && ceiling !== null && !ceiling.front) continue;
    found.push({ x, y, z, covered: ceiling !== null });
  }
  return found;
}

/** Whether a body fits above (x, y, z); what lies lower than a step is stepped on. */
function hasRoom(solid: Solid, x: number, y: number, z: number): boolean {
  const low = { x, y: y + STEP_HEIGHT + RADIUS, z };
  if (overlaps(solid, low, HEIGHT - STEP_HEIGHT - 2 * RADIUS, RADIUS)) return false;
  // A capsule that hovers within a closed box touches nothing: the ray from the ground up finds the lid.
  return solid.cast(x, y + 0.05, z, 0, 1, 0, HEIGHT) === null;
}

/** Joins places whose neighbour is a step away into regions. */
function join(stands: Stand[], spacing: number, solid: Solid): Region[] {
  const byCell = new Map<string, Stand[]>();
  for (const stand of stands) {
    const key = `${stand.column}:${stand.row}`;
    byCell.set(key, [...(byCell.get(key) ?? []), stand]);
  }
  const climb = Math.max(STEP_HEIGHT, spacing * 0.9);
  const regions: Region[] = [];
  for (const first of stands) {
    if (first.region !== -1) continue;
    const members = flood(first, regions.length, byCell, climb);
    const share = (test: (stand: Stand) => boolean): number => members.filter(test).length / members.length;
    const [covered, raised] = [share((stand) => stand.covered), share((stand) => stand.below > 0)];
    regions.push({ stands: members, area: members.length * spacing * spacing, covered, raised, inverted: inverted(solid, members) });
  }
  return regions;
}

function flood(first: Stand, region: number, byCell: ReadonlyMap<string, Stand[]>, climb: number): Stand[] {
  const members = [first];
  first.region = region;
  for (let at = 0; at < members.length; at++) {
    const stand = members[at] as Stand;
    for (const [dx, dz] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
      for (const next of byCell.get(`${stand.column + dx}:${stand.row + dz}`) ?? []) {
        if (next.region !== -1 || Math.abs(next.y - stand.y) > climb) continue;
        next.region = region;
        members.push(next);
      }
    }
  }
  return members;
}

/** Looks around from a few places of a region. */
function inverted(solid: Solid, stands: readonly Stand[]): number {
  let [backs, all] = [0, 0];
  const stride = Math.max(1, Math.floor(stands.length / 12));
  for (let at = 0; at < stands.length; at += stride) {
    const { x, y, z } = stands[at] as Stand;
    for (const [dx, dy, dz] of [[0, -1, 0], [0, 1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1], [0, 0, -1]] as const) {
      const hit = solid.cast(x, y + 1, z, dx, dy, dz, VIEW);
      if (hit === null) continue;
      all++;
      if (!hit.front) backs++;
    }
  }
  return all > 0 ? backs / all : 0;
}

/**
 * How good a region is: room counts by its order of magnitude; indoors is better than outdoors (a room modelled from
 * inside has a walkable outside too); on top of other walkable ground (a roof, a table, a terrace) is worse, and so is the
 * hollow within walls and floors, which shows only the backs of faces.
 */
function worth(region: Region): number {
  const hollow = Math.max(0, region.inverted - 0.4) / 0.6;
  return Math.log2(region.area) + 3 * region.covered - 4 * region.raised * (1 - 0.5 * region.covered) - 8 * hollow;
}

/** The place with the most room around it, near the middle of its region. */
function bestPlace(solid: Solid, region: Region): Stand {
  // A room with a yard: one arrives in the room.
  const isHouse = region.covered >= HOUSE_SHARE && region.area < LARGEST_HOUSE;
  const indoors = region.stands.filter((stand) => stand.covered);
  const stands = isHouse ? indoors : region.stands;
  const cx = median(stands.map((stand) => stand.x));
  const cz = median(stands.map((stand) => stand.z));
  const reach = Math.max(Math.sqrt(region.area * (stands.length / region.stands.length)), 2);
  const cells = new Set(stands.map((stand) => `${stand.column}:${stand.row}`));
  const rank = (stand: Stand): number => {
    let room = 0;
    for (let dx = -2; dx <= 2; dx++) for (let dz = -2; dz <= 2; dz++) if (cells.has(`${stand.column + dx}:${stand.row + dz}`)) room++;
    return room / 25 - (1.2 * Math.hypot(stand.x - cx, stand.z - cz)) / reach - (stand.below > 0 ? 1 : 0);
  };
  const near = [...stands].sort((a, b) => rank(b) - rank(a)).slice(0, 24);
  const free = near.map((stand) => ({ stand, worth: rank(stand) + 0.4 * clearance(solid, stand) }));
  return free.sort((a, b) => b.worth - a.worth)[0]?.stand as Stand;
}

/** 0..1: the share of directions in which the next two metres are free at knee and chest height. */
function clearance(solid: Solid, { x, y, z }: Spot): number {
  let sum = 0;
  for (let turn = 0; turn < 12; turn++) {
    const [dx, dz] = [Math.sin((turn * Math.PI) / 6), Math.cos((turn * Math.PI) / 6)];
    for (const height of [0.5, 1.2]) sum += Math.min(solid.cast(x, y + height, z, dx, 0, dz, 2)?.distance ?? 2, 2);
  }
  return sum / (12 * 2 * 2);
}

/** The yaw that looks along the longest view; where that leaves a choice, towards what there is to see. */
export function freestView(solid: Solid, { x, y, z }: Spot | Stand, content: { x: number; z: number }): number {
  const turns = 24;
  const views = Array.from({ length: turns }, (_, turn) => {
    const yaw = (turn * 2 * Math.PI) / turns;
    const hit = solid.cast(x, y + EYES, z, -Math.sin(yaw), 0, -Math.cos(yaw), VIEW);
    return hit === null ? { far: VIEW, sees: false } : { far: hit.distance, sees: true };
  });
  const [tx, tz] = [content.x - x, content.z - z];
  const away = Math.hypot(tx, tz);
  const score = (turn: number): number => {
    const around = [-2, -1, 0, 1, 2].map((by) => views[(turn + by + turns) % turns] as { far: number; sees: boolean });
    const open = around.reduce((sum, view) => sum + Math.sqrt(view.far / VIEW) + (view.sees ? 0.25 : 0), 0) / around.length;
    const yaw = (turn * 2 * Math.PI) / turns;
    const towards = away > 1 ? (-Math.sin(yaw) * tx - Math.cos(yaw) * tz) / away : 0;
    return open + 0.3 * towards;
  };
  const best = views.map((_, turn) => turn).sort((a, b) => score(b) - score(a))[0] ?? 0;
  return (best * 2 * Math.PI) / turns;
}

/**
 * Where one comes to stand at a stated spawn point: on the ground within reach below it. Null: there is no ground, or no
 * room, and the point is no use.
 */
export function settle(solid: Solid, spot: Spot): Spot | null {
  for (const lift of [0.1, 0.6, 1.2]) {
    const hit = solid.cast(spot.x, spot.y + lift, spot.z, 0, -1, 0, lift + 4);
    if (hit === null || hit.normal[1] < MIN_UP) continue;
    const y = spot.y + lift - hit.distance;
    if (hasRoom(solid, spot.x, y, spot.z)) return { ...spot, y };
  }
  return null;
}

/** Metres around a spawn point within which visitors are spread. */
const SPREAD = 1.2;

/** A free place near the spot, on the same ground, so that those who arrive together do not stand in one another. */
export function startNear(solid: Solid, spot: Spot, random: () => number = Math.random): Spot {
  for (let attempt = 0; attempt < 8; attempt++) {
    const [angle, reach] = [random() * 2 * Math.PI, Math.sqrt(random()) * SPREAD];
    const [dx, dz] = [Math.cos(angle), Math.sin(angle)];
    // Nothing in between: not through a wall, not off a ledge.
    if (solid.cast(spot.x, spot.y + 0.5, spot.z, dx, 0, dz, reach + RADIUS) !== null) continue;
    const place = settle(solid, { ...spot, x: spot.x + dx * reach, z: spot.z + dz * reach });
    if (place !== null && Math.abs(place.y - spot.y) < STEP_HEIGHT) return place;
  }
  return spot;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function middle(bounds: Box): { x: number; z: number } {
  return { x: (bounds.minX + bounds.maxX) / 2, z: (bounds.minZ + bounds.maxZ) / 2 };
}
