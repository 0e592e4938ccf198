// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of code

/** A fault that somebody could have written, planted into a copy of the code to see whether the simulation finds it. */
export interface Mutant {
  /** What is wrong then, in a few words. */
  readonly name: string;
  /** Under `functions/`. */
  readonly file: string;
  /** Stands there exactly once, and is replaced. */
  readonly find: string;
  readonly replace: string;
  /** One of the late seeds in which it showed: acted out first, so that finding it again takes no minutes. A hint: when it shows no more, all are. */
  readonly shownBy?: number;
}

/** Every kind of mistake that would cost somebody money, or leave them without a word. Each one passes the compiler. */
export const MUTANTS: readonly Mutant[] = [
  // Whether to charge at all.
  {
    name: "the cap is not looked at",
    file: "domain/spend.ts",
    find: "if (isBelow(limits.perMonth, plus(spentIn(spend, period.month, amount.currency), amount))) {",
    replace: "if (isBelow(limits.perMonth, amount)) {",
  },
  {
    name: "the cap forgets the recharge that is being decided",
    file: "domain/spend.ts",
    find: "isBelow(limits.perMonth, plus(spentIn(spend, period.month, amount.currency), amount))",
    replace: "isBelow(limits.perMonth, spentIn(spend, period.month, amount.currency))",
  },
  {
    name: "one recharge a day too many",
    file: "domain/spend.ts",
    find: "spend.dayCount >= limits.timesPerDay",
    replace: "spend.dayCount > limits.timesPerDay",
    shownBy: 50,
  },
  {
    name: "no cooldown",
    file: "domain/spend.ts",
    find: "plusMinutes(spend.lastEndedAt, limits.cooldownMinutes)",
    replace: "spend.lastEndedAt",
    shownBy: 50,
  },
  {
    name: "what was spent is never booked",
    file: "domain/recharge.ts",
    find: "[subscriberId]: book(esim.spend[subscriberId], open.period, open.amount, state.at) }",
    replace: "...(esim.spend[subscriberId] === undefined && { [subscriberId]: book(undefined, open.period, open.amount, state.at) }) }",
  },
  {
    name: "what is booked takes the place of what was",
    file: "domain/spend.ts",
    find: "plus(spentIn(spend, period.month, amount.currency), amount)]",
    replace: "amount]",
  },
  {
    name: "a month can come again in another time zone",
    file: "domain/spend.ts",
    find: "month: later(spend?.month, monthIn(timeZone, now))",
    replace: "month: monthIn(timeZone, now)",
    shownBy: 2739,
  },
  {
    name: "a day can come again in another time zone",
    file: "domain/spend.ts",
    find: "day: later(spend?.day, dayIn(timeZone, now))",
    replace: "day: dayIn(timeZone, now)",
    shownBy: 2554,
  },
  {
    name: "a line is judged well or not, and charged",
    file: "domain/recharge.ts",
    find: 'if (!isBelow(balance, rule.threshold)) return { kind: "leave", reason: "balance-ok" };',
    replace: "",
  },
  {
    name: "a report of an earlier cycle is judged",
    file: "workers/recharge/judge-line.ts",
    find: "report?.cycle === esim.cycle && ageSeconds >= 0 && ageSeconds < ports.readIntervalSeconds",
    replace: "report !== undefined",
  },
  {
    name: "a line that was to be left alone is not",
    file: "domain/recharge.ts",
    find: "esim.quietUntil !== undefined && now < esim.quietUntil",
    replace: "esim.quietUntil !== undefined && esim.quietWhileLow === true && now < esim.quietUntil",
    shownBy: 347,
  },
  {
    name: "a line is reserved over what others wrote meanwhile",
    file: "workers/recharge/judge-line.ts",
    find: "await ports.esims.save(judged, ports.ids.next())",
    replace: "await ports.esims.save({ ...judged, version: (await ports.esims.load(esim.iccid))?.version ?? 0 }, ports.ids.next())",
    shownBy: 123,
  },
  {
    name: "a finding is written over what others wrote meanwhile",
    file: "workers/record.ts",
    find: "await esims.save(next, ids.next())",
    replace: "await esims.save({ ...next, version: (await esims.load(esim.iccid))?.version ?? 0 }, ids.next())",
  },
  {
    name: "rechargeIds are counted, and come again after a restore",
    file: "workers/recharge/judge-line.ts",
    find: "{ rechargeId: ports.ids.next(), amount, period",
    replace: "{ rechargeId: `${esim.subscriberId}-${esim.iccid.slice(-6)}-${esim.cycle}`, amount, period",
    shownBy: 405,
  },
  {
    name: "a refund is given back to any month",
    file: "domain/spend.ts",
    find: "if (spend.month !== period.month || refunds.includes(refundId)) return spend;",
    replace: "if (refunds.includes(refundId)) return spend;",
    shownBy: 1219,
  },
  {
    name: "a refund is given back as often as it is told",
    file: "domain/spend.ts",
    find: "spend.month !== period.month || refunds.includes(refundId)",
    replace: "spend.month !== period.month",
    shownBy: 66,
  },
  {
    name: "somebody else's line is charged for",
    file: "workers/recharge/line-of.ts",
    find: "(line) => line.iccid === iccid);",
    replace: '(line) => line.iccid === iccid) ?? { iccid, currency: "CNY" };',
    shownBy: 102,
  },

  // Whether it is still wanted.
  {
    name: "nobody asks again whether the rule still stands",
    file: "workers/recharge/standing.ts",
    find: "if (unwanted !== undefined) return unwanted;",
    replace: "",
    shownBy: 52,
  },
  {
    name: "an edited rule is charged as it was",
    file: "domain/recharge.ts",
    find: ' && rule.status.state === "active" && rule.version === open.ruleVersion;',
    replace: ' && rule.status.state === "active";',
    shownBy: 54,
  },
  {
    name: "a paused rule is charged",
    file: "domain/recharge.ts",
    find: 'esim.subscriberId === open.subscriberId && rule.status.state === "active" && rule.version === open.ruleVersion',
    replace: "esim.subscriberId === open.subscriberId",
    shownBy: 52,
  },
  {
    name: "the kill switch does nothing",
    file: "workers/recharge/standing.ts",
    find: 'if (killSwitch?.on === true) return "kill-switch";',
    replace: "",
  },
  {
    name: "the kill switch stops what is new, and nothing that is reserved",
    file: "workers/recharge/standing.ts",
    find: "stopOf(ports, subscriberId), isCardUsable",
    replace: "Promise.resolve(undefined), isCardUsable",
    shownBy: 380,
  },
  {
    name: "a paused subscriber is charged",
    file: "workers/recharge/standing.ts",
    find: 'return hold === undefined ? undefined : "paused-by-operator";',
    replace: "return hold === undefined ? undefined : undefined;",
    shownBy: 48,
  },
  {
    name: "a recharge goes on when the line is another payer's",
    file: "domain/recharge.ts",
    find: 'return rule !== undefined && esim.subscriberId === open.subscriberId && rule.status.state === "active" && rule.version === open.ruleVersion;',
    replace: 'return esim.subscriberId !== open.subscriberId || (rule?.status.state === "active" && rule.version === open.ruleVersion);',
    shownBy: 1854,
  },

  // Cards.
  {
    name: "a card is asked again without a rest",
    file: "domain/declines.ts",
    find: 'return now < until ? { kind: "backing-off", until } : { kind: "usable" };',
    replace: 'return { kind: "usable" };',
    shownBy: 55,
  },
  {
    name: "a card that was refused for good is asked again",
    file: "domain/declines.ts",
    find: 'if (declines.some(({ severity }) => severity === "hard")) return { kind: "exhausted", reason: "card-refused-for-good" };',
    replace: 'if (declines.every(({ severity }) => severity === "hard")) return { kind: "usable" };',
  },
  {
    name: "what another line learnt of the card meanwhile is ignored",
    file: "workers/recharge/standing.ts",
    find: 'return standing.kind === "usable";',
    replace: "return true;",
    shownBy: 249,
  },
  {
    name: "a card is asked a fifth time",
    file: "domain/declines.ts",
    find: 'count("soft") >= SOFT_DECLINES_BEFORE_SUSPENSION',
    replace: 'count("soft") > SOFT_DECLINES_BEFORE_SUSPENSION',
    shownBy: 822,
  },
  {
    name: "a decline is not kept",
    file: "workers/recharge/pay.ts",
    find: "await cards.putDecline(cardKey, decline);",
    replace: "",
  },
  {
    name: "a decline is kept after the end is written",
    file: "workers/recharge/pay.ts",
    find: `      await cards.putDecline(cardKey, decline);
      const listed = await cards.listDeclines(cardKey);`,
    replace: `      const listed = [...(await cards.listDeclines(cardKey)), decline];
      const ended = await move(ports, esim, open, { type: "unpaid", paymentIntentId, because: declinedEnd(outcome, listed) });
      await cards.putDecline(cardKey, decline);
      if (listed.length > 0) return ended;`,
    shownBy: 55,
  },

  // The payment.
  {
    name: "a retry makes another PaymentIntent",
    file: "workers/recharge/pay.ts",
    find: `  if (!own) {
    const seen = await ports.payments.retrieve(paymentIntentId);
    if (paymentOutcome`,
    replace: `  if (!own) {
    const made = await ports.payments.create({ rechargeId: open.rechargeId, amount: open.amount, method: open.method, idempotencyKey: ports.ids.next() });
    if (made.kind === "intent") return moveByPayment(ports, esim, open, paymentIntentId, await ports.payments.confirm(made.intent.id, ports.ids.next()));
    const seen = made;
    if (paymentOutcome`,
  },
  {
    name: "a retry confirms without looking first",
    file: "workers/recharge/pay.ts",
    find: `  if (!own) {
    const seen`,
    replace: `  if (!own && open.lease.attempts > 10) {
    const seen`,
  },
  {
    name: "no answer to a confirmation is taken for a no",
    file: "workers/recharge/pay.ts",
    find: "  const answer = await ports.payments.confirm(paymentIntentId, `${open.rechargeId}/confirm/${esim.version}`);",
    replace: `  const answer = await ports.payments.confirm(paymentIntentId, open.rechargeId).catch(() => undefined);
  if (answer === undefined) return move(ports, esim, open, { type: "canceled", at: ports.clock.now() });`,
  },
  {
    name: "a server error of Stripe's is taken for a decline, and its PaymentIntent left",
    file: "workers/recharge/pay.ts",
    find: `    case "unconfirmed":
    case "unknown":`,
    replace: `    case "unknown":
      return move(ports, esim, open, { type: "canceled", at: clock.now() });
    case "unconfirmed":`,
    shownBy: 49,
  },
  {
    name: "no answer to a cancellation is taken for done",
    file: "workers/recharge/pay.ts",
    find: "  const answer = await ports.payments.cancel(paymentIntentId);",
    replace: `  const answer = await ports.payments.cancel(paymentIntentId).catch(() => undefined);
  if (answer === undefined) return move(ports, esim, open, { type: "canceled", at: ports.clock.now() });`,
    shownBy: 50,
  },
  {
    name: "a declined payment is closed without being canceled",
    file: "workers/recharge/pay.ts",
    find: "  const answer = await ports.payments.cancel(paymentIntentId);",
    replace: `  if (open.state.name === "closing" && open.state.end === "declined") return move(ports, esim, open, { type: "canceled", at: ports.clock.now() });
  const answer = await ports.payments.cancel(paymentIntentId);`,
  },
  {
    name: "what the customer let pass ends without being canceled",
    file: "workers/recharge/pay.ts",
    find: 'if (now >= expiresAt) return move(ports, esim, open, { type: "unpaid", paymentIntentId, because: { end: "expired" } });',
    replace: 'if (now >= expiresAt) return move(ports, esim, open, { type: "canceled", at: now });',
  },
  {
    name: "what the customer let pass is never closed",
    file: "workers/recharge/pay.ts",
    find: 'if (now >= expiresAt) return move(ports, esim, open, { type: "unpaid", paymentIntentId, because: { end: "expired" } });',
    replace: "",
  },
  {
    name: "a payment that is processing is waited for by nobody",
    file: "workers/recharge/take-step.ts",
    find: 'return own ? Promise.resolve("wait") : lookAtPayment(ports, esim, open, state.paymentIntentId);',
    replace: 'return own ? Promise.resolve("wait") : Promise.resolve("wait");',
  },
  {
    name: "a payment that succeeded while it was being closed is forgotten",
    file: "workers/recharge/pay.ts",
    find: `  return moveByPayment(ports, esim, open, paymentIntentId, answer);
}

/** Records what the PaymentIntent`,
    replace: `  return outcome.kind === "paid"
    ? move(ports, esim, open, { type: "canceled", at: ports.clock.now() })
    : moveByPayment(ports, esim, open, paymentIntentId, answer);
}

/** Records what the PaymentIntent`,
    shownBy: 49,
  },
  {
    name: "after a restore nobody looks whether the recharge was made before",
    file: "workers/recharge/pay.ts",
    find: "if (made !== undefined) return adopt(ports, esim, open, made);",
    replace: 'if (made?.status === "requires_confirmation") return adopt(ports, esim, open, made);',
    shownBy: 781,
  },

  // The credit.
  {
    name: "a payment that is processing is credited",
    file: "domain/payment-outcomes.ts",
    find: 'return { kind: "processing" };',
    replace: 'return { kind: "paid" };',
  },
  {
    name: "a payment that waits for its customer is credited",
    file: "domain/payment-outcomes.ts",
    find: '(): PaymentOutcome => ({ kind: "needs-customer" })',
    replace: '(): PaymentOutcome => ({ kind: "paid" })',
  },
  {
    name: "whoever takes over orders the credit without asking first",
    file: "workers/recharge/credit.ts",
    find: "  const seen = await findTopUp(ports, open);\n  const mayOrder",
    replace: '  const seen: TopUpOutcome = { kind: "unseen" };\n  const mayOrder',
  },
  {
    name: "a carrier that forgets its answers is asked to credit again",
    file: "workers/recharge/credit.ts",
    find: 'seen.kind === "unseen" && ports.carrier.answersAreFinal && !isOverdue',
    replace: 'seen.kind === "unseen" && !isOverdue',
  },
  {
    name: "every order of a credit has a reference of its own",
    file: "workers/recharge/credit.ts",
    find: `{ carrier }: RechargePorts, { iccid }: Esim, { rechargeId, amount }: OpenRecharge): Promise<TopUpOutcome> {
  return topUpOutcome("top-up", rechargeId, await carrier.topUp({ iccid, amount, reference: rechargeId }));`,
    replace: `{ carrier, ids }: RechargePorts, { iccid }: Esim, { rechargeId, amount }: OpenRecharge): Promise<TopUpOutcome> {
  return topUpOutcome("top-up", rechargeId, await carrier.topUp({ iccid, amount, reference: ids.next() }));`,
  },
  {
    name: "the credit is what the rule says by then",
    file: "workers/recharge/credit.ts",
    find: "async function orderTopUp({ carrier }: RechargePorts, { iccid }: Esim, { rechargeId, amount }: OpenRecharge): Promise<TopUpOutcome> {",
    replace: `async function orderTopUp({ carrier }: RechargePorts, { iccid, rule }: Esim, { rechargeId, amount: reserved }: OpenRecharge): Promise<TopUpOutcome> {
  const amount = rule?.topUp.type === "fixed" ? rule.topUp.amount : reserved;`,
    shownBy: 55,
  },
  {
    name: "no answer about a credit is taken for credited",
    file: "workers/recharge/credit.ts",
    find: 'answer === undefined ? { kind: "unknown" }',
    replace: 'answer === undefined ? { kind: "credited" }',
    shownBy: 76,
  },
  {
    name: "an answer that cannot be read is taken for credited",
    file: "domain/top-up-outcomes.ts",
    find: 'return FAULTS.has(status) ? { kind: "fault", status }',
    replace: 'return status === 200 ? { kind: "credited" } : FAULTS.has(status) ? { kind: "fault", status }',
  },
  {
    name: "a server error of the carrier's is taken for its no",
    file: "domain/top-up-outcomes.ts",
    find: '{ kind: "fault", status } : { kind: "unknown", status };',
    replace: '{ kind: "fault", status } : { kind: "refused", code: String(status) };',
  },

  // The refund.
  {
    name: "what the carrier cannot find is given back",
    file: "workers/recharge/credit.ts",
    find: 'return park("carrier-unclear"); // it was ordered',
    replace: 'return move(ports, esim, open, { type: "refused", code: "unseen" }); // it was ordered',
  },
  {
    name: "a no that may still become a yes is answered with the money",
    file: "workers/recharge/credit.ts",
    find: 'if (!ports.carrier.answersAreFinal) return park("carrier-refused");',
    replace: "",
    shownBy: 126,
  },
  {
    name: "a refund that is on its way passes for one that arrived",
    file: "domain/payment-outcomes.ts",
    find: 'if (sumOf("succeeded") >= expected.amount) return "refunded";',
    replace: 'if (sumOf("succeeded", "pending") >= expected.amount) return "refunded";',
    shownBy: 93,
  },
  {
    name: "a refund that failed passes for one that arrived",
    file: "workers/recharge/refund.ts",
    find: 'return move(ports, esim, open, { type: "puzzled", reason: "refund-failed", at });',
    replace: 'return move(ports, esim, open, { type: "refunded", at });',
    shownBy: 909,
  },
  {
    name: "no answer to a refund is taken for done",
    file: "workers/recharge/refund.ts",
    find: "`${rechargeId}/refund/${esim.version}`);",
    replace:
      '`${rechargeId}/refund/${esim.version}`).catch(() => ({ kind: "refund" as const, refund: { id: "re_lost", status: "succeeded", amount: open.amount, at: ports.clock.now() } }));',
    shownBy: 280,
  },

  // The end, and what is told.
  {
    name: "the bill of a refunded recharge leaves the refund out",
    file: "domain/bill.ts",
    find: "[taken, nothing, taken]",
    replace: "[taken, nothing, nothing]",
  },
  {
    name: "the bill says that what was declined was charged",
    file: "domain/bill.ts",
    find: "return [nothing, nothing, nothing];",
    replace: 'return state.end === "declined" ? [amount, nothing, nothing] : [nothing, nothing, nothing];',
  },
  {
    name: "the line is free before its bill is put",
    file: "workers/recharge/take-step.ts",
    find: `  await putBill(ports, bill);
  await publish(ports, pendingEvents);
  const backup = await backupFor(ports, open);
  const cleared = await record(ports, esim, (current) => applyCleared(current, open.rechargeId, pendingEvents, ports.clock.now(), backup));`,
    replace: `  await publish(ports, pendingEvents);
  const backup = await backupFor(ports, open);
  const cleared = await record(ports, esim, (current) => applyCleared(current, open.rechargeId, pendingEvents, ports.clock.now(), backup));
  await putBill(ports, bill);`,
  },
  {
    name: "an ended recharge keeps its line",
    file: "workers/recharge/take-step.ts",
    find: "  const cleared = await record(ports, esim, (current) => applyCleared(",
    replace: `  if (esim.rule?.status.state !== "active") return "wait";
  const cleared = await record(ports, esim, (current) => applyCleared(`,
  },
  {
    name: "an event is told before it is written",
    file: "workers/recharge/step.ts",
    find: `export function move(ports: RechargePorts, esim: Esim, open: OpenRecharge, found: Move): Step {
`,
    replace: `export async function move(ports: RechargePorts, esim: Esim, open: OpenRecharge, found: Move): Step {
  await ports.events.publish(applyMove(esim, open.rechargeId, found, ports.clock.now()).pendingEvents);
`,
  },
  {
    name: "the end of a recharge is told to nobody",
    file: "workers/recharge/take-step.ts",
    find: "    await events.publish(pendingEvents);\n",
    replace: "    await Promise.resolve(events);\n",
  },
  {
    name: "the outbox is emptied before it is published",
    file: "workers/recharge/recharge-line.ts",
    find: "  const { pendingEvents } = esim;\n",
    replace: "  const { pendingEvents } = esim;\n  await record(ports, esim, (current) => applyPublished(current, pendingEvents));\n",
  },
  {
    name: "events that came in meanwhile leave the outbox untold",
    file: "domain/esim.ts",
    find: "esim.pendingEvents.filter((event) => !ids.has(event.id))",
    replace: "esim.pendingEvents.filter((event) => ids.size === 0 && !ids.has(event.id))",
    shownBy: 186,
  },
  {
    name: "a review is told to nobody, not even later",
    file: "domain/recharge.ts",
    find: `toldAt: now, resolution: undefined, lease: { ...open.lease, attempts: 0, crashes: 0 } };
  return withEvent({ ...esim, open: parked }, event, now);`,
    replace: `toldAt: "9000-01-01T00:00:00.000Z", resolution: undefined, lease: { ...open.lease, attempts: 0, crashes: 0 } };
  return event.version === 1 ? { ...esim, open: parked } : esim;`,
  },
  {
    name: "a line that was quiet once is never checked again",
    file: "workers/check-balances/check-balances.ts",
    find: "quietUntil !== undefined && quietUntil > now",
    replace: 'quietUntil !== undefined && quietUntil > ""',
  },
  // Lines of others.
  {
    name: "a payer goes on when the line has another holder",
    file: "workers/recharge/line-of.ts",
    find: "if (line?.holder === grant.holder) return line;",
    replace: "if (grant.holder !== undefined) return line;",
    shownBy: 820,
  },
  {
    name: "a payer pays more for another's line than was agreed",
    file: "domain/family.ts",
    find: "return cap.currency !== amount.currency || isBelow(cap, plus(spent, amount));",
    replace: "return cap.currency !== amount.currency || isBelow(cap, amount) || isBelow(plus(spent, cap), cap);",
    shownBy: 1305,
  },
  {
    name: "what was paid for another's line is not counted",
    file: "domain/family.ts",
    find: "return { ...family, spent: plus(family.spent, amount) };",
    replace: "return { ...family, spent: plus(family.spent, { ...amount, amount: 0 }) };",
    shownBy: 1305,
  },
  {
    name: "a payer pays for another's line after the end of their agreement",
    file: "domain/family.ts",
    find: "return now >= until;",
    replace: 'return now >= until && until === "";',
    shownBy: 75,
  },
  {
    name: "an announced recharge is charged however the line is when it comes due",
    file: "domain/recharge.ts",
    find: 'return dropped("balance-recovered");',
    replace: 'return applyMove(esim, rechargeId, { type: "due", amount: open.amount, period: open.period, reading, at: now }, now);',
    shownBy: 266,
  },
  {
    name: "what its payer does not want is charged all the same",
    file: "domain/recharge.ts",
    find: "esim.open?.rechargeId === rechargeId && esim.open.cancelRequested !== undefined",
    replace: "esim.open?.rechargeId === rechargeId && esim.open.cancelRequested === null",
    shownBy: 56,
  },
  {
    name: "what its payer called off, and the bank declined, is tried again",
    file: "domain/recharge.ts",
    find: "return cancelRequested === undefined || stopsRule ? because",
    replace: "return cancelRequested !== null || stopsRule ? because",
    shownBy: 241,
  },
  {
    name: "who is told late is charged as if they had been told in time",
    file: "domain/recharge.ts",
    find: "if (chargeAt <= plusMinutes(open.state.chargeAt, TOLD_AT_ONCE_MINUTES)) return esim;",
    replace: 'if (chargeAt > "") return esim;',
    shownBy: 321,
  },
  {
    name: "an announced recharge that came back from a backup is dropped unseen",
    file: "workers/recharge/wait-for-notice.ts",
    find: "if (made.length > 0)",
    replace: "if (made.length > 99)",
    shownBy: 781,
  },
];
