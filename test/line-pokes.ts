import type { LinePoke, Poke } from "../functions/domain/ports.ts";

/** Pokes by somebody who only knows of lines. */
export function linePokes(pokes: readonly Poke[]): LinePoke[] {
  return pokes.map((poke) => {
    if ("iccid" in poke) return poke;
    throw new Error("A poke that names no line");
  });
}
