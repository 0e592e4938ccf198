import { type Carrier, OutcomeUnknown, type TopUpAnswer } from "../../functions/domain/ports.ts";
import type { CarrierModel } from "../../local/carrier/carrier-model.ts";

/** The port on the local carrier's model, without a network between them. */
export function inProcessCarrier(model: CarrierModel, answersAreFinal = true): Carrier {
  return {
    answersAreFinal,
    listEsims: async (who) => [...model.queryEsims(who).esims],
    getBalances: async (iccids) => new Map(model.queryBalances(iccids).balances.map(({ iccid, available, readAt }) => [iccid, { balance: available, readAt }])),
    async topUp(request) {
      const result = model.topUp({ ...request });
      if (result.kind !== "answer") throw new OutcomeUnknown(`The carrier answered: ${result.kind}`);
      return answerOf(result.reply);
    },
    async findTopUp(reference) {
      const reply = model.findTopUp(reference);
      return reply === undefined ? undefined : answerOf(reply);
    },
  };
}

function answerOf(reply: NonNullable<ReturnType<CarrierModel["findTopUp"]>>): TopUpAnswer {
  return reply.status === "credited" ? { kind: "credited", at: reply.at } : { kind: "refused", code: reply.code };
}
