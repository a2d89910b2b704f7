//! Writes the clients and servers of the two services of members: one for one another, one for those who are none yet.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let method = |name: &str, route: &str| {
        Method::builder()
            .name(name)
            .route_name(route)
            .input_type("crate::rpc::codec::Plain")
            .output_type("crate::rpc::codec::Plain")
            .codec_path("crate::rpc::codec::PlainCodec")
            .build()
    };
    let service =
        |name: &str, method| Service::builder().name(name).package("custody").method(method).build();
    let services = [service("Members", method("call", "Call")), service("Gate", method("join", "Join"))];
    Builder::new().compile(&services);
}
