use std::time::Duration;

use tokio::time::{sleep, timeout};

/// The longest that anything is waited for. Far more than it takes; a test that needs it has failed.
pub const BOUND: Duration = Duration::from_mins(1);

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(10);

/// Waits until there is something, for [`BOUND`] at most.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(PERIOD).await;
        }
    };
    within(what, found).await
}

/// Waits for a future, for [`BOUND`] at most.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(BOUND, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
