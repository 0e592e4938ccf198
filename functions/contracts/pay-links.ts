import * as z from "zod/mini";
import { balance } from "./money.ts";
import type { Routes } from "./route.ts";

const moment = z.iso.datetime();

/** Where what a link opens stands. It says nothing of the payer but how their way to pay ends. */
export const payLinkReply = z
  .object({
    status: z
      .enum(["awaiting-customer", "announced", "called-off", "in-progress"])
      .check(z.describe("Waits for its payer; will be charged by itself unless it is skipped; was declined or skipped; or nothing can be done here any more")),
    lineLastFour: z.string(),
    amount: balance,
    threshold: z.optional(balance.check(z.describe("Why: the line is below this; missing where its payer asked for it"))),
    method: z.object({ type: z.enum(["card", "alipay", "wechat_pay"]), brand: z.string(), lastFour: z.string() }),
    until: z.optional(moment).check(z.describe("Until when it can be confirmed, or skipped")),
    action: z.optional(
      z
        .object({ clientSecret: z.string(), paymentMethodId: z.optional(z.string()), publishableKey: z.optional(z.string()) })
        .check(z.describe("What Stripe's library needs to confirm this very payment; only while it waits for its payer")),
    ),
  })
  .register(z.globalRegistry, { id: "PayLink" });
export type PayLinkReply = z.infer<typeof payLinkReply>;

const page = z.string();

export const payLinkRoutes = {
  readPayLink: {
    method: "GET",
    path: "/v1/pay-links/{token}",
    function: "pay",
    summary: "What a link in a notice is about",
    description: "For apps that open such links themselves. The link is all that is asked for: whoever has it may confirm or call off this one recharge.",
    replies: { 200: { says: "What is to be paid.", body: payLinkReply } },
    problems: ["not-found", "link-expired", "link-over"],
  },
  callOffPayLink: {
    method: "POST",
    path: "/v1/pay-links/{token}/decline",
    function: "pay",
    summary: "Decline a payment, or skip an announced one",
    description: "Nothing is taken, unless it was paid at this very moment. Without a body.",
    replies: { 200: { says: "It was called off.", body: payLinkReply } },
    problems: ["not-found", "too-late", "link-expired", "link-over"],
  },
  showPayPage: {
    method: "GET",
    path: "/pay/{token}",
    function: "pay",
    summary: "The page of a link in a notice",
    replies: { 200: { says: "What is to be paid, with buttons to confirm and to decline.", body: page, type: "text/html" } },
    problems: ["not-found", "link-expired", "link-over"],
  },
  callOffOnPage: {
    method: "POST",
    path: "/pay/{token}/decline",
    function: "pay",
    summary: "Decline or skip on the page of a link",
    replies: { 200: { says: "It was called off.", body: page, type: "text/html" } },
    problems: ["not-found", "too-late", "link-expired", "link-over"],
  },
} as const satisfies Routes;
