//! example-plugin - sets x-example-plugin to the configured text, on the request and on the response.
use bimetal::{plugin, Action, Map, Plugin, Stream};

const FIELD: &str = "x-example-plugin";

struct Example {
    text: Vec<u8>,
}

impl Plugin for Example {
    type State = ();

    fn configure(configuration: &[u8]) -> Result<Self, String> {
        if configuration.is_empty() {
            return Err("example-plugin: the configuration is a text, and must not be empty".into());
        }
        Ok(Example { text: configuration.to_vec() })
    }

    fn request_headers(&self, stream: &Stream, _state: &mut (), _end_of_stream: bool) -> Action {
        let _ = stream.set_header(Map::RequestHeaders, FIELD, &self.text);
        Action::Continue
    }

    fn response_headers(&self, stream: &Stream, _state: &mut (), _end_of_stream: bool) -> Action {
        let _ = stream.set_header(Map::ResponseHeaders, FIELD, &self.text);
        Action::Continue
    }
}
plugin!(Example: request_headers, response_headers);
