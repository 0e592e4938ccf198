import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import type { Mail } from "../domain/ports.ts";
import { AWS_LIMITS } from "./aws-limits.ts";

/** Sends plain-text mail through SES. */
export function sesMail(client: Pick<SESv2Client, "send">, from: string): Mail {
  return {
    async send({ to, subject, text }) {
      const command = new SendEmailCommand({
        FromEmailAddress: from,
        Destination: { ToAddresses: [to] },
        Content: { Simple: { Subject: { Data: subject, Charset: "UTF-8" }, Body: { Text: { Data: text, Charset: "UTF-8" } } } },
      });
      try {
        await client.send(command);
      } catch (error) {
        // Without the cause: SES names the recipient in its messages, and this one is logged.
        throw new Error(`SES did not take the mail: ${error instanceof Error ? error.name : "unknown"}`);
      }
    },
  };
}

export function ses(): SESv2Client {
  return new SESv2Client(AWS_LIMITS);
}
