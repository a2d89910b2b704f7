//! The keys of the identity provider, kept fresh.

use super::discovery::{Discovery, DiscoveryError, Published};
use crate::tasks::{Stop, TaskError, TaskResult, on_thread};
use api::IdentityProvider;
use std::sync::Arc;
use std::time::Duration;

/// How long newer keys are not looked for once somebody has asked for some.
const REST: Duration = Duration::from_secs(30);
/// When to look again for keys that were not found.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Looks the keys up at once, when they are no longer fresh, and when a token names one that is not known. Those that
/// were found last stay in force while the provider is away.
pub(super) async fn run(provider: Arc<IdentityProvider>, stop: Stop) -> TaskResult {
    let discovery = Discovery::new(&provider.rules.issuer);
    let mut is_asked = false;
    loop {
        let looked_up = tokio::select! {
            () = stop.stopped() => return Ok(()),
            looked_up = look_up(&discovery) => looked_up?,
        };
        let fresh = match looked_up {
            Ok(Published { keys, fresh }) => {
                provider.keys.put(keys);
                fresh
            }
            Err(error) => {
                tracing::warn!(%error, "the identity provider's keys were not found; the last ones stay in force");
                TRY_AGAIN
            }
        };
        provider.keys.rest();
        if is_asked && !stop.sleep(REST).await {
            return Ok(());
        }
        provider.keys.open();
        is_asked = tokio::select! {
            is_stopped = async { !stop.sleep(fresh).await } => match is_stopped {
                true => return Ok(()),
                false => false,
            },
            () = provider.keys.wished() => true,
        };
    }
}

async fn look_up(discovery: &Discovery) -> Result<Result<Published, DiscoveryError>, TaskError> {
    let discovery = discovery.clone();
    on_thread("identity", move || discovery.look_up()).await.map_err(TaskError::new)
}
