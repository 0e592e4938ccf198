import * as z from "zod/mini";
import { grantTerms } from "./family.ts";
import { balance, currency } from "./money.ts";
import { stateName } from "./recharges.ts";
import { ASKS_OUTSIDE, type SubscriberRoutes } from "./route.ts";
import { ruleStatus } from "./rules.ts";

export const esimReply = z
  .object({
    iccid: z.string(),
    currency,
    rule: z.nullable(z.object({ status: ruleStatus, leftThisMonth: balance.check(z.describe("What is left of the rule's monthly cap")) })),
    openRecharge: z.nullable(z.object({ rechargeId: z.string(), amount: balance, state: stateName, reservedAt: z.iso.datetime() })),
    balance: z
      .nullable(balance)
      .check(
        z.describe("What is available on the line; null when the carrier does not say it, and always on a line of somebody else's, which the caller pays for"),
      ),
    balanceReadAt: z.nullable(z.iso.datetime()),
    family: z.optional(grantTerms),
  })
  .register(z.globalRegistry, { id: "Esim" });

export const esimRoutes = {
  listEsims: {
    method: "GET",
    path: "/v1/esims",
    scope: "esims:read",
    function: "esims",
    limit: ASKS_OUTSIDE,
    summary: "List my lines",
    description:
      "The lines that the carrier says are the caller's, with what is available on each right now, how its rule stands, and the recharge that is open; and the lines of others that the caller pays for (`family`), without their balance. The carrier may know a line by its owner's e-mail address or phone number: sign in with the scopes `openid email phone`, or such a line is not found.",
    replies: { 200: { says: "The caller's lines.", body: z.object({ data: z.array(esimReply) }) } },
    problems: ["caller-unknown"],
  },
} as const satisfies SubscriberRoutes;
