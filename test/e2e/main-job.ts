import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import { DRAINING_LINE } from "../../local/demo-data.ts";

/** The product's main job on a running local stack, seen from outside: over HTTP only, as a person with curl would. */

/** Longer than the shortest tier's turn and than the demo rule's cooldown (both 15 min): every slot of that tier falls due in it. */
const MINUTES_OF_USE = 16;
/** Well at first; after the minutes of use CNY 7.20 are left, which is below the demo rule's CNY 10. */
const BEFORE_USE = { available: 1200, drainPerMinute: 30 };
const POLL_MILLISECONDS = 100;
/** How long the look that follows the saving of a rule may take on a busy machine. */
const READY_MILLISECONDS = 30_000;

const timelineSchema = z.array(
  z.object({ sequence: z.int(), source: z.string(), what: z.string(), rechargeId: z.optional(z.string()), note: z.optional(z.string()) }),
);
const bills = z.object({ data: z.array(z.object({ rechargeId: z.string(), status: z.string(), charged: z.object({ amount: z.int() }) })) });
const mails = z.array(z.object({ text: z.string() }));

/**
 * Uses up the demo line and waits until its subscriber was charged, has the bill and got the mail; the deadline counts from the use on.
 *
 * The line's rule must be saved, as `npm start` does. Throws when the stack does not answer; everything else that goes wrong is "not recharged".
 */
export async function runMainJob(url: string, deadlineMilliseconds: number): Promise<"recharged" | "not recharged"> {
  const line = `/local/lines/${DRAINING_LINE.iccid}`;
  await post(url, line, { available: 5000, drainPerMinute: 0 });
  // Saving a rule asks for a look at the line, too; that look must be over, or the recharge might not come from the balance checker.
  const isReady = await becomesTrue(async () => (await readTimeline(url)).some(({ what }) => what === "RuleSaved"), READY_MILLISECONDS);
  if (!isReady) return "not recharged";

  const before = (await readTimeline(url)).at(-1)?.sequence ?? 0;
  await post(url, line, BEFORE_USE);
  await post(url, "/local/clock", { advanceMinutes: MINUTES_OF_USE });
  const isRecharged = await becomesTrue(async () => {
    const rechargeId = (await readTimeline(url, before)).find(({ what }) => what === "RechargeSucceeded")?.rechargeId;
    return rechargeId !== undefined && (await hasBill(url, rechargeId)) && (await hasMail(url, rechargeId));
  }, deadlineMilliseconds);
  return isRecharged ? "recharged" : "not recharged";
}

async function becomesTrue(isTrue: () => Promise<boolean>, milliseconds: number): Promise<boolean> {
  const giveUpAt = performance.now() + milliseconds;
  while (performance.now() < giveUpAt) {
    if (await isTrue()) return true;
    await sleep(POLL_MILLISECONDS);
  }
  return false;
}

/** What happened on the stack after a sequence number. */
export async function readTimeline(url: string, after = 0): Promise<z.infer<typeof timelineSchema>> {
  return z.parse(timelineSchema, await (await ask(url, `/local/timeline?after=${after}`)).json());
}

async function hasBill(url: string, rechargeId: string): Promise<boolean> {
  const token = await (await ask(url, "/local/token")).text();
  const reply = await fetch(`${url}/v1/recharges`, { headers: { authorization: `Bearer ${token}` } });
  if (!reply.ok) return false;
  return z.parse(bills, await reply.json()).data.some((bill) => bill.rechargeId === rechargeId && bill.status === "succeeded" && bill.charged.amount === 5000);
}

async function hasMail(url: string, rechargeId: string): Promise<boolean> {
  return z.parse(mails, await (await ask(url, "/local/outbox")).json()).some(({ text }) => text.includes(rechargeId));
}

function post(url: string, path: string, body: object): Promise<Response> {
  return ask(url, path, { method: "POST", body: JSON.stringify(body) });
}

async function ask(url: string, path: string, request?: RequestInit): Promise<Response> {
  const reply = await fetch(`${url}${path}`, request);
  if (!reply.ok) throw new Error(`${path} answered ${reply.status}: ${await reply.text()}`);
  return reply;
}
