import * as z from "zod/mini";
import { iccid } from "./iccid.ts";

/** SHA-256 in base64url: how terms are named. */
export const TERMS_HASH = /^[A-Za-z0-9_-]{43}$/;

/** What `{...}` in a path may be. A text that is none of these names nothing that there could be: 404. */
export const PATH_PARAMETERS = {
  iccid,
  paymentMethodId: z.string().check(z.regex(/^pm_[A-Za-z0-9_]{1,100}$/, { error: "is not the id of a way to pay" })),
  rechargeId: z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "is not the id of a recharge" })),
  token: z.string().check(z.regex(/^[A-Za-z0-9_-]{1,150}\.[A-Za-z0-9_-]{1,64}$/, { error: "is not the token of a link" })),
  termsHash: z.string().check(z.regex(TERMS_HASH, { error: "is not the hash of terms" })),
} as const;

/** One page of a list; its `next`, sent as the parameter `page`, asks for the one after it. */
export function pageOf<Item extends z.core.$ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    next: z.optional(z.string().check(z.describe("Send it as the parameter `page` to read on; missing on the last page"))),
  });
}
