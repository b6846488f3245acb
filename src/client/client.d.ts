/** Where a log comes from. Left out, the worker judges by the request. */
export type System = "browser" | "convex" | "worker" | "manual";

export interface Options {
  /** The worker, e.g. `https://logs.example.com`. Empty: nothing is sent. */
  url: string | undefined;
  system?: System;
  /** `LOG_INGEST_TOKEN`, for servers where one is set. Never give it to a page. */
  token?: string;
  /** Default: `trace_<ms>_<9 characters>`, made with the first log. */
  traceId?: string;
  userId?: string;
  /** Put into the context of every log. */
  context?: Record<string, unknown>;
  /** What to send with, where the global `fetch` is not it. */
  fetch?: typeof fetch;
}

export interface Status {
  traceId: string;
  userId: string | undefined;
  /** Logs not yet confirmed by the worker. At most 1,000, or 4 MB, wait. */
  waiting: number;
  /** Logs given up since the start: the queue was full, a quota, a refusal, or older than 50 minutes. */
  dropped: number;
}

/** None of its functions throws. `message` is told as the console would; of an Error the stack is kept too. */
export interface Logger {
  log(message: unknown, context?: Record<string, unknown>): void;
  info(message: unknown, context?: Record<string, unknown>): void;
  warn(message: unknown, context?: Record<string, unknown>): void;
  error(message: unknown, context?: Record<string, unknown>): void;
  /** Stored as `log`. */
  debug(message: unknown, context?: Record<string, unknown>): void;
  /** A logger of another trace, user or context that shares this one's queue. */
  with(fields: { traceId?: string; userId?: string; context?: Record<string, unknown> }): Logger;
  setTraceId(id: string): void;
  /** Begins a new trace and returns its id. */
  newTrace(): string;
  getTraceId(): string;
  setUserId(id: string): void;
  getUserId(): string | undefined;
  getStatus(): Status;
  /** Sends what waits, again where that is needed, for up to `ms` (default 10,000). Resolves to how many still wait. */
  flush(ms?: number): Promise<number>;
}

export interface ConsoleLogger extends Logger {
  /** Gives the console back. */
  reset(): void;
}

/** A logger for Node, Convex actions and Workers. There: one for each request, and `await log.flush()` before its end. */
export function createLogger(options: Options): Logger;

/**
 * Sends what a page tells its console (log, info, warn, error) to the worker as well. Called again it returns the same;
 * on a server nothing is captured.
 */
export function captureConsole(options: Options): ConsoleLogger;
