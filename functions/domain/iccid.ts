/** The number of an eSIM: 18 to 22 digits starting with 89 (telecom), the last one a Luhn check digit. Source: ITU-T E.118. */
export type Iccid = string;

/** Says what is wrong with a text as an ICCID, or undefined when it is one. */
export function iccidProblem(text: string): string | undefined {
  if (!/^\d{18,22}$/.test(text)) return "must be 18 to 22 digits";
  if (!text.startsWith("89")) return "must start with 89, as every ICCID does";
  if (!passesLuhn(text)) return "has a wrong check digit (Luhn): one of its digits was mistyped";
  return undefined;
}

/** The Luhn check of ISO/IEC 7812-1, over all digits with the check digit last. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** How a line is named to people and in logs: only its last four digits. */
export function lastFour(iccid: Iccid): string {
  return iccid.slice(-4);
}
