use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// What the cache has told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn tell(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl TokenCacheObserver for Told {
    fn event(&self, hit: bool, provider: &ObjectName) {
        self.tell(format!(
            "{} {}",
            if hit { "hit" } else { "miss" },
            provider.name
        ));
    }

    fn request(&self, success: bool) {
        self.tell(if success { "success" } else { "failure" }.to_owned());
    }

    fn items(&self, count: usize) {
        self.tell(format!("items {count}"));
    }

    fn evicted(&self) {
        self.tell("evicted".to_owned());
    }
}

struct Bench {
    cache: TokenCache,
    told: Arc<Told>,
    fetched: AtomicUsize,
}

impl Bench {
    fn new(max_size: usize, max_duration: Duration) -> Self {
        let told = Arc::new(Told::default());
        Self {
            cache: TokenCache::new(max_size, max_duration, Some(told.clone())),
            told,
            fetched: AtomicUsize::new(0),
        }
    }

    /// Asks for a token that lives as long as told, and returns which fetch it came from.
    async fn ask(&self, key: &str, lifetime: Duration) -> String {
        self.cache
            .get_or_fetch(key, &provider(), || async {
                tokio::task::yield_now().await;
                let number = self.fetched.fetch_add(1, Ordering::SeqCst);
                Ok::<_, String>(Token {
                    secret: format!("{key}{number}"),
                    expires_at: Timestamp::now() + lifetime,
                    account: None,
                })
            })
            .await
            .unwrap()
            .secret
    }
}

fn provider() -> ObjectName {
    ObjectName {
        name: "status".to_owned(),
        namespace: "apps".to_owned(),
        uid: String::new(),
    }
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn a_token_is_given_out_for_four_fifths_of_its_life() {
    for (lifetime, max, kept) in [
        (HOUR, HOUR, HOUR * 4 / 5),
        (HOUR, HOUR / 10, HOUR / 10),
        (HOUR * 10, HOUR * 10, HOUR),
    ] {
        let bench = Bench::new(10, max);
        assert_eq!(bench.ask("a", lifetime).await, "a0");
        let second = Duration::from_secs(1);
        tokio::time::advance(kept.saturating_sub(second)).await;
        assert_eq!(bench.ask("a", lifetime).await, "a0", "{lifetime:?} {max:?}");
        tokio::time::advance(second).await;
        assert_eq!(bench.ask("a", lifetime).await, "a1", "{lifetime:?} {max:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_never_kept() {
    let bench = Bench::new(10, HOUR);
    assert_eq!(bench.ask("a", Duration::ZERO).await, "a0");
    assert_eq!(bench.ask("a", Duration::ZERO).await, "a1");
}

#[tokio::test]
async fn the_one_asked_for_longest_ago_goes_first() {
    let bench = Bench::new(2, HOUR);
    for (key, token, told) in [
        ("a", "a0", &["miss status", "success", "items 1"][..]),
        ("b", "b1", &["miss status", "success", "items 2"]),
        ("a", "a0", &["hit status", "success"]),
        ("c", "c2", &["miss status", "success", "evicted", "items 2"]),
        ("a", "a0", &["hit status", "success"]),
        ("b", "b3", &["miss status", "success", "evicted", "items 2"]),
    ] {
        assert_eq!(bench.ask(key, HOUR).await, token);
        assert_eq!(bench.told.take(), told, "{key}");
    }
}

#[tokio::test]
async fn size_zero_turns_it_off() {
    let bench = Bench::new(0, HOUR);
    assert_eq!(bench.ask("a", HOUR).await, "a0");
    assert_eq!(bench.ask("a", HOUR).await, "a1");
    assert_eq!(bench.told.take(), [""; 0]);
}

#[tokio::test]
async fn one_fetch_serves_all_who_wait() {
    let bench = Bench::new(10, HOUR);
    let tokens = futures::future::join_all((0..8).map(|_| bench.ask("a", HOUR))).await;
    assert_eq!(tokens, ["a0"; 8]);
}

#[tokio::test]
async fn an_error_is_told_and_not_kept() {
    let bench = Bench::new(10, HOUR);
    let refused = bench
        .cache
        .get_or_fetch("a", &provider(), || async { Err("refused") })
        .await;
    assert_eq!(refused, Err("refused"));
    assert_eq!(bench.told.take(), ["miss status", "failure"]);
    assert_eq!(bench.ask("a", HOUR).await, "a0");
}

#[tokio::test]
async fn keys_that_were_given_up_leave_nothing_behind() {
    let bench = Bench::new(10, HOUR);
    for number in 0..100 {
        let key = format!("lost{number}");
        let provider = provider();
        let waits =
            bench
                .cache
                .get_or_fetch(&key, &provider, std::future::pending::<Result<Token, ()>>);
        assert!(futures::FutureExt::now_or_never(waits).is_none());
    }
    bench.ask("a", HOUR).await;
    assert_eq!(bench.cache.lock().by_key.len(), 1);
}
