// The outline of a vehicle by its kind of body: a few points of the profile, joined by soft curves. Pure geometry;
// VehicleArt paints it. The picture is 320 x 140, the vehicle looks to the right, the ground is at 122.

export type Body = 'city' | 'hatch' | 'saloon' | 'estate' | 'suv' | 'coupe' | 'roadster' | 'van' | 'pickup';

export interface Profile {
  /** Ends of the vehicle. */
  rear: number;
  front: number;
  /** Foot and top of the windscreen, end of the roof, foot of the rear window. */
  screenFoot: [number, number];
  screenTop: [number, number];
  roofEnd: [number, number];
  rearFoot: [number, number];
  /** Height of the tail and of the nose. */
  tail: number;
  nose: number;
  wheels: [number, number];
  wheelRadius: number;
  /** Where the side windows are parted. */
  pillars: number[];
}

export const profiles: Record<Body, Profile> = {
  city: {
    rear: 52, front: 270, screenFoot: [216, 64], screenTop: [182, 30], roofEnd: [92, 31], rearFoot: [62, 62],
    tail: 66, nose: 76, wheels: [94, 232], wheelRadius: 19, pillars: [140],
  },
  hatch: {
    rear: 34, front: 288, screenFoot: [216, 66], screenTop: [176, 33], roofEnd: [94, 35], rearFoot: [48, 64],
    tail: 68, nose: 78, wheels: [84, 242], wheelRadius: 20, pillars: [136],
  },
  saloon: {
    rear: 16, front: 304, screenFoot: [220, 66], screenTop: [180, 36], roofEnd: [118, 36], rearFoot: [70, 63],
    tail: 68, nose: 79, wheels: [74, 250], wheelRadius: 20, pillars: [148],
  },
  estate: {
    rear: 18, front: 302, screenFoot: [220, 66], screenTop: [182, 35], roofEnd: [62, 38], rearFoot: [34, 64],
    tail: 69, nose: 79, wheels: [74, 250], wheelRadius: 20, pillars: [90, 140],
  },
  suv: {
    rear: 26, front: 296, screenFoot: [222, 60], screenTop: [190, 24], roofEnd: [72, 27], rearFoot: [40, 58],
    tail: 63, nose: 70, wheels: [78, 246], wheelRadius: 23, pillars: [92, 142],
  },
  coupe: {
    rear: 20, front: 304, screenFoot: [222, 70], screenTop: [174, 42], roofEnd: [128, 42], rearFoot: [52, 66],
    tail: 67, nose: 82, wheels: [76, 252], wheelRadius: 21, pillars: [124],
  },
  roadster: {
    rear: 26, front: 300, screenFoot: [206, 71], screenTop: [178, 46], roofEnd: [174, 46], rearFoot: [190, 71],
    tail: 72, nose: 83, wheels: [80, 250], wheelRadius: 21, pillars: [],
  },
  van: {
    rear: 24, front: 300, screenFoot: [266, 66], screenTop: [234, 19], roofEnd: [38, 18], rearFoot: [28, 62],
    tail: 62, nose: 82, wheels: [76, 254], wheelRadius: 20, pillars: [196],
  },
  pickup: {
    rear: 12, front: 308, screenFoot: [232, 62], screenTop: [202, 27], roofEnd: [134, 28], rearFoot: [124, 64],
    tail: 66, nose: 72, wheels: [68, 256], wheelRadius: 23, pillars: [162],
  },
};

const sill = 108;
const axle = 102;

type Point = [number, number];

/** From one point towards another, at most `far`. */
function towards([x, y]: Point, [toX, toY]: Point, far: number): Point {
  const length = Math.hypot(toX - x, toY - y);
  const share = length === 0 ? 0 : Math.min(0.5, far / length);
  return [x + (toX - x) * share, y + (toY - y) * share];
}

const at = ([x, y]: Point): string => `${x.toFixed(1)} ${y.toFixed(1)}`;

/** A closed line through points whose corners are rounded by their own radius. */
function rounded(points: { at: Point; radius: number }[]): string {
  let path = '';
  points.forEach((corner, index) => {
    const before = points[(index + points.length - 1) % points.length] ?? corner;
    const after = points[(index + 1) % points.length] ?? corner;
    const into = towards(corner.at, before.at, corner.radius);
    const out = towards(corner.at, after.at, corner.radius);
    path += `${index === 0 ? 'M' : 'L'}${at(into)}Q${at(corner.at)} ${at(out)}`;
  });
  return `${path}Z`;
}

export function bodyPath(body: Body): string {
  const p = profiles[body];
  const open = body === 'roadster';
  const roof = open
    ? [{ at: [96, 69] as Point, radius: 30 }, { at: p.screenFoot, radius: 20 }]
    : [
        { at: p.rearFoot, radius: body === 'pickup' ? 4 : 14 },
        { at: p.roofEnd, radius: body === 'van' ? 12 : body === 'pickup' ? 10 : 26 },
        { at: p.screenTop, radius: body === 'van' ? 26 : 26 },
        { at: p.screenFoot, radius: 22 },
      ];
  return rounded([
    { at: [p.rear + 5, sill], radius: 8 },
    { at: [p.rear, 88], radius: 10 },
    { at: [p.rear + 3, p.tail], radius: 10 },
    ...roof,
    { at: [p.front - 14, p.nose], radius: 24 },
    { at: [p.front, 90], radius: 10 },
    { at: [p.front - 4, sill], radius: 8 },
  ]);
}

/** The windows: the greenhouse, drawn inside its frame. */
export function glassPath(body: Body): string {
  const p = profiles[body];
  const inset = 6;
  if (body === 'roadster') {
    return rounded([
      { at: [p.screenTop[0] + 1, p.screenTop[1]], radius: 2 },
      { at: [p.screenFoot[0] + 2, p.screenFoot[1]], radius: 2 },
      { at: [p.screenFoot[0] - 7, p.screenFoot[1]], radius: 2 },
    ]);
  }
  const base = Math.max(p.screenFoot[1], p.rearFoot[1]) - 1;
  const rearX = body === 'van' ? 184 : p.rearFoot[0] + (p.roofEnd[0] - p.rearFoot[0]) * 0.28 + 3;
  const roofX = body === 'van' ? 184 : p.roofEnd[0] + 5;
  return rounded([
    { at: [rearX, base - 1], radius: 6 },
    { at: [roofX, p.roofEnd[1] + inset], radius: 12 },
    { at: [p.screenTop[0] - 2, p.screenTop[1] + inset], radius: 10 },
    { at: [p.screenFoot[0] - 9, base - 1], radius: 5 },
  ]);
}

export interface Line {
  from: [number, number];
  to: [number, number];
}

export function pillarLines(body: Body): Line[] {
  const p = profiles[body];
  return p.pillars.map((x) => ({ from: [x, p.roofEnd[1] + 2], to: [x - 3, Math.max(p.screenFoot[1], p.rearFoot[1])] }));
}

export function wheelsOf(body: Body): { x: number; y: number; radius: number }[] {
  const { wheels, wheelRadius } = profiles[body];
  return wheels.map((x) => ({ x, y: axle + 20 - wheelRadius, radius: wheelRadius }));
}

const words: [Body, RegExp][] = [
  ['roadster', /convertible|roadster|cabrio|spider|spyder|mx-5|miata|\bz4\b|boxster|e-type|slk/i],
  ['van', /\bvan\b|transit|sprinter|vito|kangoo|partner|berlingo|caddy|transporter|crafter|ducato|trafic|id\. ?buzz/i],
  ['pickup', /pick-?up|hilux|ranger|amarok|navara|f-?150|l200|silverado/i],
  ['estate', /estate|touring|avant|variant|wagon|kombi|\bv[4-9]0\b|allroad|sportswagon|octavia/i],
  ['suv', /\bsuv\b|cross|\bx[1-7]\b|\bq[2-8]\b|\bgl[a-es]\b|xc\d\d|tiguan|touareg|kodiaq|karoq|qashqai|rav ?4|cr-?v|tucson|sportage|duster|kuga|model y|id\.?4|ioniq 5|ev6|niro|kona|defender|discovery|cayenne|macan|3008|5008|captur|juke|puma|e-?tron/i],
  ['coupe', /coup|911|cayman|mustang|\btt\b|supra|\bm[248]\b|rc ?f|gt86|sports? car/i],
  ['city', /\b500\b|\bup!?\b|twingo|\bc1\b|aygo|\bi10\b|picanto|smart|\bka\b|panda|city|\b108\b|spring/i],
  ['hatch', /hatch|golf|polo|fiesta|focus|corsa|astra|clio|zoe|leaf|\bi[23]0\b|yaris|civic|\b[23]08\b|ibiza|leon|fabia|\ba[13]\b|mini|id\.?3|\bi3\b|jazz|swift|megane|ceed/i],
  ['saloon', /saloon|sedan|limousine|model [3s]|\ba[4-8]\b|[35] series|\b[357][1-5]0[dei]?\b|class|passat|superb|s60|s90|mondeo|insignia|camry|accord|508|arteon|i4|taycan|ghibli|giulia/i],
];

/** The kind of body that a vehicle's own words tell of; where they tell nothing, one that stays the same for it. */
export function bodyOf(vehicle: { name: string; brand: string; model: string; description?: string }): Body {
  for (const text of [vehicle.model, vehicle.name, vehicle.description ?? '']) {
    for (const [body, pattern] of words) if (pattern.test(text)) return body;
  }
  const common: Body[] = ['hatch', 'saloon', 'estate', 'suv'];
  return common[hash(vehicle.brand + vehicle.model) % common.length] ?? 'hatch';
}

/** FNV-1a. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; ++index) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return value;
}

/** Paints of cars, mid-tones that stand out on light and dark ground: the same brand has the same paint. */
export const paints = ['#3f6e8c', '#8a4b45', '#5d7a5f', '#b08a4e', '#6c6a86', '#47807c', '#9a6a55', '#7b848a', '#556b8e', '#8c5a74'];

export const paintOf = (brand: string): string => paints[hash(brand.toLowerCase()) % paints.length] ?? '#3f6e8c';
