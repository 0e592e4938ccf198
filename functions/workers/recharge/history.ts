import type { OpenRecharge } from "../../domain/esim.ts";
import type { RechargePorts } from "./ports.ts";

/** The same ports, which keep what is asked of Stripe and the carrier for this recharge, and what comes back, as steps of its history; their log names it, and its check. */
export function withHistory(ports: RechargePorts, open: OpenRecharge): RechargePorts {
  const { payments, carrier, log } = ports;
  const { rechargeId, check } = open;

  /** Never in the way of the money: a history that cannot be written is logged, and the recharge goes on. */
  async function keep(asked: string, answer: { readonly [field: string]: unknown }): Promise<void> {
    const step = { rechargeId: open.rechargeId, stepId: ports.ids.next(), at: ports.clock.now(), state: open.state.name, asked, answer };
    await ports.recharges.putStep(step).catch((error: unknown) => ports.log.error("history-lost", { rechargeId: open.rechargeId, asked, error }));
  }

  async function kept<Answer>(asked: string, call: Promise<Answer>, tell: (answer: Answer) => { readonly [field: string]: unknown }): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await call;
    } catch (error) {
      await keep(asked, { unknown: error instanceof Error ? error.message : "no answer" });
      throw error;
    }
    await keep(asked, tell(answer));
    return answer;
  }

  const whole = <Answer extends object>(answer: Answer) => ({ ...answer });

  return {
    ...ports,
    log: {
      info: (code, fields) => log.info(code, { rechargeId, check, ...fields }),
      warn: (code, fields) => log.warn(code, { rechargeId, check, ...fields }),
      error: (code, fields) => log.error(code, { rechargeId, check, ...fields }),
    },
    payments: {
      ...payments,
      create: (request) => kept("payments.create", payments.create(request), whole),
      confirm: (id, key) => kept("payments.confirm", payments.confirm(id, key), whole),
      retrieve: (id) => kept("payments.retrieve", payments.retrieve(id), whole),
      cancel: (id) => kept("payments.cancel", payments.cancel(id), whole),
      findCreated: (request) => kept("payments.findCreated", payments.findCreated(request), (found) => ({ found })),
      refund: (id, rechargeId, key) => kept("payments.refund", payments.refund(id, rechargeId, key), whole),
      listRefunds: (id) => kept("payments.listRefunds", payments.listRefunds(id), (found) => ({ found })),
    },
    carrier: {
      ...carrier,
      topUp: (request) => kept("carrier.topUp", carrier.topUp(request), whole),
      findTopUp: (reference) => kept("carrier.findTopUp", carrier.findTopUp(reference), whole),
    },
  };
}
