import { carrierOver } from "../../functions/adapters/http-carrier.ts";
import { type Carrier, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { answerCarrierRequest } from "../../local/carrier/carrier-answers.ts";
import type { CarrierModel } from "../../local/carrier/carrier-model.ts";

/** The port on the local carrier's model, through the adapter and without a network between them. `answersAreFinal`: what we take the carrier for. */
export function inProcessCarrier(model: CarrierModel, answersAreFinal = model.answersAreFinal): Carrier {
  return carrierOver(async (request) => {
    const answer = answerCarrierRequest(model, request);
    if (answer.arrives !== "at-once") throw new OutcomeUnknown(`The carrier gave no answer: it arrives ${answer.arrives}`);
    return answer;
  }, answersAreFinal);
}
