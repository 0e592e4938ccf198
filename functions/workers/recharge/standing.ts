import { cardStanding } from "../../domain/declines.ts";
import type { Esim, OpenRecharge, Origin, PaymentMethod } from "../../domain/esim.ts";
import { isCalledOff, unwantedBecause } from "../../domain/recharge.ts";
import type { CancelReason } from "../../domain/recharge-states.ts";
import { type Instant, plusMinutes } from "../../domain/time.ts";
import type { RechargePorts } from "./ports.ts";

/** What the operator has stopped: everything, or this subscriber. Read anew for every charge, never kept. */
export async function stopOf(
  { controls, subscribers }: Pick<RechargePorts, "controls" | "subscribers">,
  subscriberId: string,
): Promise<CancelReason | undefined> {
  const [killSwitch, hold] = await Promise.all([controls.getKillSwitch(), subscribers.getHold(subscriberId)]);
  if (killSwitch?.on === true) return "kill-switch";
  return hold === undefined ? undefined : "paused-by-operator";
}

/** A balance that was judged longer ago than this says nothing any more: the line may be full by now. */
const OUTDATED_AFTER_MINUTES = 60;

/** What the line itself says against charging it now. */
export function lineAgainst(esim: Esim, open: OpenRecharge, now: Instant): CancelReason | undefined {
  if (isCalledOff(esim, open)) return "by-subscriber";
  const unwanted = unwantedBecause(esim, open);
  if (unwanted !== undefined) return unwanted;
  return now > plusMinutes(open.reservedAt, OUTDATED_AFTER_MINUTES) ? "outdated" : undefined;
}

/** What the operator, or the card's declines since the recharge was reserved, say against charging now. */
export async function worldAgainst(ports: RechargePorts, { subscriberId, method, origin }: OpenRecharge): Promise<CancelReason | undefined> {
  const [stop, isUsable] = await Promise.all([stopOf(ports, subscriberId), isCardUsable(ports, method, origin)]);
  return stop ?? (isUsable ? undefined : "card-declined-elsewhere");
}

/** A card that rests is its holder's to use, who is there; one that is refused for good is nobody's. */
async function isCardUsable({ cards, clock }: RechargePorts, { cardKey }: PaymentMethod, origin: Origin | undefined): Promise<boolean> {
  const standing = cardStanding(await cards.listDeclines(cardKey), clock.now());
  if (origin !== "payer") return standing.kind === "usable";
  return standing.kind !== "exhausted" || standing.reason !== "card-refused-for-good";
}
