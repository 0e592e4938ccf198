import type * as z from "zod/mini";
import type { meReply } from "../../contracts/me.ts";
import { choicesOf } from "../../domain/choices.ts";
import type { Closing, Profile } from "../../domain/ports.ts";

/** A subscriber as they see themselves: what holds for them, whether they chose it or not. */
export function meView(profile: Profile, closing: Closing | undefined): z.infer<typeof meReply> {
  const { subscriberId, email, phoneNumber, verifiedAt } = profile;
  const { language, timeZone, notices } = choicesOf(profile);
  return { subscriberId, email, phoneNumber, verifiedAt, language, timeZone, notices: { ...notices, channels: [...notices.channels] }, closing };
}
