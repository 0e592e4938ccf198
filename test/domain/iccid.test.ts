import { describe, expect, it } from "@jest/globals";
import { iccidProblem, lastFour, passesLuhn } from "../../functions/domain/iccid.ts";
import { ICCID, luhnCheckDigit, OTHER_ICCID } from "../builders.ts";

describe("an ICCID", () => {
  it("is 18 to 22 digits from 89 on with a right check digit", () => {
    for (const iccid of [ICCID, OTHER_ICCID]) expect(iccidProblem(iccid)).toBeUndefined();
  });

  it.each([
    ["89860123456789", "18 to 22 digits"],
    ["89860123456789000170000", "18 to 22 digits"],
    ["8986 012345678900017", "18 to 22 digits"],
    ["8986０12345678900011", "18 to 22 digits"],
    ["7986012345678900017", "start with 89"],
    ["8986012345678900018", "check digit"],
  ])("%s is refused: %s", (text, problem) => expect(iccidProblem(text)).toContain(problem));

  it("is refused after any single wrong digit", () => {
    for (let i = 2; i < ICCID.length; i++) {
      const wrong = `${ICCID.slice(0, i)}${(Number(ICCID[i]) + 1) % 10}${ICCID.slice(i + 1)}`;
      expect(iccidProblem(wrong)).toContain("check digit");
    }
  });

  it("gets its check digit from Luhn", () => {
    expect(luhnCheckDigit("7992739871")).toBe("3"); // the example of ISO/IEC 7812-1's best-known description
    expect(passesLuhn("79927398713")).toBe(true);
  });

  it("is named to people by its last four digits", () => expect(lastFour(ICCID)).toBe("0017"));
});
