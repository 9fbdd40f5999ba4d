// example-plugin - sets x-example-plugin to the configured text, on the request and on the response.
export * from "@solo-io/proxy-runtime/proxy";
import { RootContext, Context, registerRootContext, FilterHeadersStatusValues, LogLevelValues, log, stream_context } from "@solo-io/proxy-runtime";

const FIELD = "x-example-plugin";

class Root extends RootContext {
  onConfigure(size: u32): bool {
    if (size == 0) {
      log(LogLevelValues.error, "example-plugin: the configuration is a text, and must not be empty");
      return false;
    }
    return super.onConfigure(size);
  }

  createContext(contextId: u32): Context {
    return new Visit(contextId, this);
  }
}

class Visit extends Context {
  constructor(contextId: u32, root: Root) {
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

// The name is what root_id in plugin.yaml says.
registerRootContext((contextId: u32) => new Root(contextId), "example-plugin");
