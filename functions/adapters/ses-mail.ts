import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import type { Mail } from "../domain/ports.ts";
import { AWS_LIMITS } from "./aws-limits.ts";

/** Sends mail through SES, as plain text and as HTML: the reader's program shows one of them. */
export function sesMail(client: Pick<SESv2Client, "send">, from: string): Mail {
  return {
    async send({ to, subject, text, html }) {
      const utf8 = (Data: string) => ({ Data, Charset: "UTF-8" });
      const command = new SendEmailCommand({
        FromEmailAddress: from,
        Destination: { ToAddresses: [to] },
        Content: { Simple: { Subject: utf8(subject), Body: { Text: utf8(text), Html: utf8(html) } } },
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
