import { Logger } from "@aws-lambda-powertools/logger";
import type { Log } from "../domain/ports.ts";

/** The one logger: JSON lines with a stable `code` for searching. */
export function powertoolsLog(service: string): Log {
  const logger = new Logger({ serviceName: service });
  return {
    info: (code, fields = {}) => logger.info(code, { code, ...fields }),
    warn: (code, fields = {}) => logger.warn(code, { code, ...fields }),
    error: (code, fields = {}) => logger.error(code, { code, ...fields }),
  };
}
