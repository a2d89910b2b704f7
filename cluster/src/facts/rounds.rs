//! Rounds of questions that many callers share.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Asks the same question one at a time: what is found out serves all who wanted to know before it was asked.
///
/// A thousand callers at once are two rounds at most: the one that has begun, and the next one, which is theirs.
#[derive(Debug)]
pub(super) struct Rounds<T> {
    /// How many were begun.
    begun: AtomicU64,
    /// The number of the last one that ended, and its answer.
    last: Mutex<Option<(u64, T)>>,
}

impl<T> Default for Rounds<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

impl<T: Clone> Rounds<T> {
    /// The answer of a round that begins behind this call.
    pub(super) async fn ask(&self, round: impl Future<Output = T>) -> T {
        let begun = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if let Some((number, answer)) = &*last
            && *number > begun
        {
            return answer.clone();
        }
        // A round whose caller goes away leaves no answer, and the next caller begins another one.
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = round.await;
        *last = Some((number, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::{Semaphore, mpsc};
    use tokio::task::JoinSet;

    /// Rounds that wait until they may end; each answers its number.
    struct Asked {
        rounds: Rounds<u64>,
        begun: AtomicU64,
        may_end: Semaphore,
        begins: mpsc::UnboundedSender<u64>,
    }

    impl Asked {
        async fn ask(self: Arc<Self>) -> u64 {
            let round = async {
                let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
                self.begins.send(number).unwrap();
                self.may_end.acquire().await.unwrap().forget();
                number
            };
            self.rounds.ask(round).await
        }
    }

    fn asked() -> (Arc<Asked>, mpsc::UnboundedReceiver<u64>) {
        let (begins, begun) = mpsc::unbounded_channel();
        let rounds = Rounds::default();
        let asked = Asked { rounds, begun: AtomicU64::new(0), may_end: Semaphore::new(0), begins };
        (Arc::new(asked), begun)
    }

    #[tokio::test]
    async fn who_comes_during_a_round_shares_the_next_one() {
        let (asked, mut begun) = asked();
        let (mut first, mut others) = (JoinSet::new(), JoinSet::new());
        first.spawn(Arc::clone(&asked).ask());
        assert_eq!(begun.recv().await, Some(1));
        for _ in 0..1_000 {
            others.spawn(Arc::clone(&asked).ask());
        }
        // On one thread, all of them have come to wait when this one goes on.
        tokio::task::yield_now().await;
        asked.may_end.add_permits(1);
        assert_eq!(first.join_all().await, [1]);
        assert_eq!(begun.recv().await, Some(2));
        asked.may_end.add_permits(1);
        assert_eq!(others.join_all().await, [2; 1_000]);
        assert_eq!(asked.begun.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_round_whose_caller_goes_away_is_asked_again() {
        let (asked, mut begun) = asked();
        let (mut first, mut second) = (JoinSet::new(), JoinSet::new());
        first.spawn(Arc::clone(&asked).ask());
        assert_eq!(begun.recv().await, Some(1));
        second.spawn(Arc::clone(&asked).ask());
        tokio::task::yield_now().await;
        first.abort_all();
        assert_eq!(begun.recv().await, Some(2));
        asked.may_end.add_permits(1);
        assert_eq!(second.join_all().await, [2]);
    }

    #[tokio::test]
    async fn an_answer_is_not_given_to_who_asks_behind_it() {
        let (asked, _begun) = asked();
        asked.may_end.add_permits(2);
        assert_eq!(Arc::clone(&asked).ask().await, 1);
        assert_eq!(asked.ask().await, 2);
    }
}
