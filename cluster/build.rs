//! Writes the client and server of the one service between members.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let call = Method::builder()
        .name("call")
        .route_name("Call")
        .input_type("crate::rpc::codec::Plain")
        .output_type("crate::rpc::codec::Plain")
        .codec_path("crate::rpc::codec::PlainCodec")
        .build();
    Builder::new().compile(&[Service::builder().name("Members").package("custody").method(call).build()]);
}
