import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of draws. Streams of different names are independent: one more draw in one leaves the others as they were. */
export interface Random {
  /** A whole number, both ends included. */
  int(min: number, max: number): number;
  /** True with the given probability (0 to 1). */
  chance(probability: number): boolean;
  /** `value` give or take `fraction` of it, evenly spread. */
  around(value: number, fraction: number): number;
  /** `length` lower-case hexadecimal digits. */
  hex(length: number): string;
  /** A UUID-shaped string of 36 characters. */
  uuid(): string;
}

/** FNV-1a, 32 bits: turns a stream's name into a seed of its own. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value | 0;
}

const RESOLUTION = 2 ** 30;
const HEX = '0123456789abcdef';

export function createRandom(seed: number, stream: string): Random {
  const generator = xoroshiro128plus(hash(`${seed}/${stream}`));
  const unit = (): number => uniformInt(generator, 0, RESOLUTION - 1) / RESOLUTION;
  const random: Random = {
    int: (min, max) => uniformInt(generator, min, max),
    chance: (probability) => unit() < probability,
    around: (value, fraction) => value * (1 + fraction * (2 * unit() - 1)),
    hex(length) {
      let digits = '';
      for (let i = 0; i < length; i++) digits += HEX[uniformInt(generator, 0, 15)];
      return digits;
    },
    uuid: () => [8, 4, 4, 4, 12].map((length) => random.hex(length)).join('-'),
  };
  return random;
}
