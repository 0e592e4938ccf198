import { timingSafeEqual } from "node:crypto";
import { type GrantBody, LONGEST_GRANT_DAYS } from "../../contracts/family.ts";
import { grantOf } from "../../domain/family.ts";
import { giveGrant } from "../../domain/give-grant.ts";
import type { Iccid } from "../../domain/iccid.ts";
import { money } from "../../domain/money.ts";
import type { Carrier, Clock, Esims, Ids, Log, Pokes, Subscribers } from "../../domain/ports.ts";
import type { Problem } from "../../domain/rule.ts";
import { epochMilliseconds, type Instant, instant, plusMinutes } from "../../domain/time.ts";
import { type KnownSubscriberPorts, knownSubscriber } from "../known-subscriber.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { refuseClosing } from "../refuse-closing.ts";
import { changeLine } from "./change-line.ts";
import { codeHash } from "./code-hash.ts";
import { familyLineView } from "./list-family-lines.ts";

export interface GiveGrantPorts extends KnownSubscriberPorts {
  readonly subscribers: Subscribers;
  readonly esims: Esims;
  readonly carrier: Pick<Carrier, "findLine">;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly hash: (text: string) => string;
}

/** Lets the caller pay for a line whose holder gave them the code. Only who has that learns anything about the line. */
export async function giveFamilyGrant(ports: GiveGrantPorts, request: ApiRequest<GrantBody>): Promise<ApiResponse> {
  const { subscribers, carrier, clock, hash } = ports;
  const { subscriberId, params, body } = request;
  const { iccid = "" } = params;
  const now = clock.now();
  const until = instant(epochMilliseconds(body.until));
  refuse(endProblems(until, now));
  await refuseClosing(ports, subscriberId);
  await knownSubscriber(ports, request); // who pays must be reachable
  await proveCode(ports, iccid, subscriberId, body.code, now);

  const line = await carrier.findLine(iccid);
  if (line === undefined) throw new HttpProblem(404, "not-found", "There is no such line");
  const { lifetimeCap: cap } = body;
  refuse(cap.currency === line.currency ? [] : [{ pointer: "/lifetimeCap/currency", detail: `must be ${line.currency}, the currency of this line` }]);

  const grant = { subscriberId, holder: line.holder, until, cap: money(cap.amount, cap.currency), consent: { ...body.consent, at: now } };
  const saved = await changeLine(ports, iccid, (esim) => {
    const given = giveGrant(esim, grant, now);
    if (given === undefined) throw new HttpProblem(409, "line-has-a-rule", "Somebody has a rule on this line; its holder can take it over, or delete it");
    return given;
  });
  await subscribers.removeCode(subscriberId, hash(iccid)); // good for one agreement
  const given = grantOf(saved, subscriberId);
  if (given === undefined) throw new Error("A grant that was saved is not there");
  return { status: 200, body: familyLineView(iccid, given) };
}

function refuse(errors: readonly Problem[]): void {
  if (errors.length > 0) throw new HttpProblem(422, "grant-makes-no-sense", "The line would never be paid for like this", errors);
}

function endProblems(until: Instant, now: Instant): Problem[] {
  const latest = plusMinutes(now, LONGEST_GRANT_DAYS * 24 * 60);
  return until > now && until <= latest ? [] : [{ pointer: "/until", detail: `must be in the future, and at the latest ${latest}` }];
}

/** Each call takes a try, so that calls at the same moment have no more of them. */
async function proveCode({ subscribers, hash }: GiveGrantPorts, iccid: Iccid, subscriberId: string, code: string, now: Instant): Promise<void> {
  const sent = await subscribers.takeCodeTry(subscriberId, hash(iccid), now);
  if (sent === undefined) throw new HttpProblem(410, "code-expired", "There is no code that is still good for this line: ask for a new one");
  const [right, given] = [Buffer.from(sent.hash), Buffer.from(codeHash(hash, { subscriberId, iccid, code }))];
  if (right.length === given.length && timingSafeEqual(right, given)) return;
  const left = sent.triesLeft === 1 ? "1 try is left" : `${sent.triesLeft} tries are left`;
  throw new HttpProblem(422, "wrong-code", "This is not the code that was sent to the line", [{ pointer: "/code", detail: `is not the code; ${left}` }]);
}
