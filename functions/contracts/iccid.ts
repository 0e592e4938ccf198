import * as z from "zod/mini";
import { iccidProblem } from "../domain/iccid.ts";

export const iccid = z.string({ error: "must be a text of 18 to 22 digits" }).check(
  z.superRefine((text, context) => {
    const problem = iccidProblem(text);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  }),
  z.meta({ description: "The number of an eSIM; its last digit is a Luhn check digit", pattern: "^89\\d{16,20}$" }),
);
