import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Chance that is the same whenever it starts from the same seed. */
export interface Random {
  /** A whole number from the one to the other, both included. */
  int(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly [T, ...T[]]): T;
  /** Undefined where there is nothing to pick. */
  pickOf<T>(choices: readonly T[]): T | undefined;
  /** In the form of a UUID; never the same twice. */
  id(): string;
}

const FINENESS = 1_000_000;

export function randomFrom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  const int = (from: number, to: number) => uniformInt(generator, from, to);
  let ids = 0;
  return {
    int,
    chance: (probability) => probability > 0 && int(0, FINENESS - 1) < probability * FINENESS,
    pick: (choices) => choices[int(0, choices.length - 1)] ?? choices[0],
    pickOf: (choices) => (choices.length === 0 ? undefined : choices[int(0, choices.length - 1)]),
    id() {
      ids += 1;
      const hex = (digits: number) =>
        int(0, 16 ** digits - 1)
          .toString(16)
          .padStart(digits, "0");
      return `${ids.toString(16).padStart(8, "0")}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`;
    },
  };
}
