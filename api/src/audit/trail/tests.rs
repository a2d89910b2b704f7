use std::cell::{Cell, RefCell};

use futures_util::future::join_all;
use policy::Action;
use tokio::sync::Semaphore;

use super::*;
use crate::audit::Shown;

const LONG: Duration = Duration::from_secs(1000);

fn view(user: &str) -> View {
    let who = Who { user: user.to_owned(), ..Who::default() };
    View { who, action: Action::Recording, object: "session/7".to_owned(), shown: Shown::View }
}

/// What a flush would tell.
fn untold(trail: &Trail) -> Vec<String> {
    let told = |untold| match untold {
        Untold::View(view, tally) => view.further(&tally).detail,
        Untold::Refusals(caller, count) => refusals::event(&caller, &count).detail,
    };
    trail.untold(Instant::now()).into_iter().map(told).collect()
}

#[tokio::test]
async fn those_who_come_while_a_view_begins_wait_for_its_leaf_and_are_counted() {
    let trail = Trail::new(LONG);
    let (gate, leaves, shown) = (Semaphore::new(0), RefCell::new(Vec::new()), Cell::new(0));
    let ada = view("ada");
    let requests = (0..20u64).map(|at| {
        let (trail, gate, leaves, shown, ada) = (&trail, &gate, &leaves, &shown, &ada);
        async move {
            let commit = |event: AuditEvent| async move {
                let _permit = gate.acquire().await.unwrap();
                assert_eq!(shown.get(), 0, "something was shown before the leaf");
                leaves.borrow_mut().push(event.detail);
                Ok::<_, ()>(())
            };
            trail.show_by(ada, 10 * at..10 * at + 10, commit).await.unwrap();
            shown.set(shown.get() + 1);
        }
    });
    let opening = async {
        tokio::task::yield_now().await;
        assert_eq!(shown.get(), 0);
        gate.add_permits(1);
    };
    tokio::join!(join_all(requests), opening);
    assert_eq!((leaves.into_inner(), shown.get()), (vec!["view: bytes 0-9".to_owned()], 20));
    assert_eq!(untold(&trail), ["view: 19 more, 190 bytes in 10-199"]);
    assert_eq!(untold(&trail), [""; 0]);
}

#[tokio::test]
async fn nothing_is_shown_without_a_leaf() {
    let trail = Trail::new(LONG);
    let (is_broken, tries) = (Cell::new(true), Cell::new(0));
    let commit = |_| {
        tries.set(tries.get() + 1);
        let broken = is_broken.get();
        async move { if broken { Err("no quorum") } else { Ok(()) } }
    };
    let ada = view("ada");
    let all = join_all((0..5).map(|_| trail.show_by(&ada, 0..1, commit))).await;
    assert_eq!((all, tries.get()), (vec![Err("no quorum"); 5], 5));
    // Nobody waits for it: it is forgotten.
    assert_eq!(untold(&trail), [""; 0]);
    assert!(trail.views().is_empty());
    is_broken.set(false);
    trail.show_by(&ada, 0..1, commit).await.unwrap();
    trail.show_by(&view("bob"), 0..1, commit).await.unwrap();
    assert_eq!(tries.get(), 7);
}

#[tokio::test]
async fn a_view_that_no_flush_has_told_of_is_over_after_the_window() {
    let trail = Trail::new(Duration::ZERO);
    let tries = Cell::new(0);
    let commit = |_| {
        tries.set(tries.get() + 1);
        async { Ok::<_, ()>(()) }
    };
    for _ in 0..3 {
        trail.show_by(&view("ada"), 0..1, commit).await.unwrap();
    }
    assert_eq!(tries.get(), 3);
    assert_eq!(untold(&trail), [""; 0]);
    assert!(trail.views().is_empty());
}

#[tokio::test]
async fn a_view_more_than_are_remembered_commits_each_time() {
    let trail = Trail::new(LONG);
    let tries = Cell::new(0);
    let commit = |_| {
        tries.set(tries.get() + 1);
        async { Ok::<_, ()>(()) }
    };
    for number in 0..VIEWS_MAX {
        trail.show_by(&view(&number.to_string()), 0..1, commit).await.unwrap();
    }
    for _ in 0..3 {
        trail.show_by(&view("one more"), 0..1, commit).await.unwrap();
        trail.show_by(&view("0"), 0..1, commit).await.unwrap();
    }
    assert_eq!(tries.get(), VIEWS_MAX + 3);
    assert_eq!(trail.views().len(), VIEWS_MAX);
}
