import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { TRANSITIONS } from "../../functions/domain/recharge-states.ts";

const page = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");

describe("docs/architecture.md", () => {
  it("draws exactly the transitions of the code", () => {
    const drawn = [...page.matchAll(/^ {2}(\w+) --> (\w+): (\w+)$/gm)].map(([, from = "", to = "", found]) => [from, to, found].join(" ").replaceAll("_", "-"));
    const coded = Object.entries(TRANSITIONS).flatMap(([from, moves]) =>
      Object.entries(moves).flatMap(([found, to]) => (to === from ? [] : [`${from} ${to} ${found}`])),
    );
    expect(drawn.sort()).toEqual(coded.sort());
  });
});
