// as-stamp - stamps requests and responses with the configured text. Written against an SDK of others, as its documentation shows it.
export * from "@solo-io/proxy-runtime/proxy";
import { RootContext, Context, registerRootContext, FilterHeadersStatusValues, LogLevelValues, log, stream_context } from "@solo-io/proxy-runtime";

const FIELD = "x-stamp";

class StampRoot extends RootContext {
  onConfigure(size: u32): bool {
    if (size == 0) {
      log(LogLevelValues.error, "as-stamp: the configuration is the stamp, and must not be empty");
      return false;
    }
    return super.onConfigure(size);
  }

  createContext(contextId: u32): Context {
    return new Stamp(contextId, this);
  }
}

class Stamp extends Context {
  constructor(contextId: u32, root: StampRoot) {
    super(contextId, root);
  }

  onRequestHeaders(count: u32, endOfStream: bool): FilterHeadersStatusValues {
    stream_context.headers.request.replace(FIELD, this.root_context.getConfiguration());
    return FilterHeadersStatusValues.Continue;
  }

  onResponseHeaders(count: u32, endOfStream: bool): FilterHeadersStatusValues {
    stream_context.headers.response.replace(FIELD, this.root_context.getConfiguration());
    return FilterHeadersStatusValues.Continue;
  }
}

registerRootContext((contextId: u32) => new StampRoot(contextId), "as-stamp");
