import { termsHash } from "../functions/api/rules/terms-hash.ts";
import type { PreviewBody } from "../functions/contracts/rules.ts";
import type { PaymentMethod } from "../functions/domain/esim.ts";
import { termsOf } from "../functions/domain/terms.ts";

/** The consent to just these settings of a rule, as an app sends it that has shown their preview. */
export function consentTo({ iccid, timeZone, paymentMethodId: _its, ...settings }: PreviewBody, method: PaymentMethod) {
  return { termsHash: termsHash(termsOf(iccid, { ...settings, paymentMethodId: method.id }, method, timeZone)) };
}
