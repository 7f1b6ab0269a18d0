/** Quantities in the notation of Kubernetes. */

const SUFFIXES: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4
};
const NUMBER = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/;

/** Cores: "2", "0.5" or "500m"; null for anything else. */
export function parseCpu(text: string): number | null {
  const [number, suffix] = split(text);
  if (suffix === '') {
    return number;
  }
  return suffix === 'm' ? number! / 1000 : null;
}

/** Bytes: "4Gi", "512M"; null for anything else. */
export function parseMemory(text: string): number | null {
  const [number, suffix] = split(text);
  return number !== null && suffix in SUFFIXES
    ? Math.floor(number * SUFFIXES[suffix])
    : null;
}

/** Bytes with the largest suffix that divides them: 1610612736 → "1536Mi". */
export function writeMemory(bytes: number): string {
  for (const suffix of ['Ti', 'Gi', 'Mi', 'Ki']) {
    if (bytes > 0 && bytes % SUFFIXES[suffix] === 0) {
      return `${bytes / SUFFIXES[suffix]}${suffix}`;
    }
  }
  return String(bytes);
}

function split(text: string): [number | null, string] {
  const match = NUMBER.exec(text.trim());
  return match ? [Number(match[1]), match[2]] : [null, ''];
}
