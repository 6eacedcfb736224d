//! Keeps secrets out of error texts. Pure.
//!
//! Flux masks the token only; an address with a secret in its path, as most chat webhooks have, appears whole.

use notifier::Settings;
use reqwest::Url;

const STARS: &str = "*****";
/// Shorter values are no secrets, and would blot out ordinary words.
const SHORTEST: usize = 4;

/// The texts to hide, the longest first, and what stands for each.
pub(super) struct Mask(Vec<(String, String)>);

impl Mask {
    /// Hides the token, the passwords and all of the address and the proxy's but their hosts.
    pub(super) fn of(settings: &Settings) -> Self {
        let mut hidden = Vec::new();
        let mut hide = |text: &str, shown: &str| {
            let text = text.trim();
            if text.len() >= SHORTEST && text != shown {
                hidden.push((text.to_owned(), shown.to_owned()));
            }
        };
        hide(&settings.token, STARS);
        hide(&settings.password, STARS);
        for value in settings.headers.values() {
            hide(value, STARS);
        }
        let urls = [Url::parse(&settings.address).ok(), settings.proxy.clone()];
        for url in urls.into_iter().flatten() {
            hide(url.password().unwrap_or_default(), STARS);
            hide(url.query().unwrap_or_default(), STARS);
            let Some(host) = url.host_str() else {
                continue;
            };
            let shown = format!("{}://{host}/{STARS}", url.scheme());
            if url.path().len() > 1 {
                hide(url.as_str(), &shown);
                hide(url.path(), &format!("/{STARS}"));
            }
            if !url.username().is_empty() {
                hide(url.as_str(), &shown);
            }
        }
        // As it was typed: it may be no URL at all, or be printed before it was normalised.
        if Url::parse(&settings.address).is_ok_and(|url| url.path().len() > 1) {
            hide(&settings.address, STARS);
        }
        hidden.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self(hidden)
    }

    /// The text without secrets.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (hidden, shown) in &self.0 {
            if text.contains(hidden.as_str()) {
                text = text.replace(hidden.as_str(), shown);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use api::notification::ProviderType;

    use super::*;

    #[test]
    fn no_secret_is_left_in_a_text() {
        let mut settings = Settings::new(ProviderType::Slack);
        settings.address = "https://hooks.example.com/services/T000/s3cr3t?key=query".to_owned();
        settings.token = "token-value\n".to_owned();
        settings.password = "pass-word".to_owned();
        settings.headers = [("Authorization".to_owned(), "Bearer header".to_owned())].into();
        settings.proxy = Url::parse("http://user:proxy-pass@proxy.example.com:3128").ok();
        let mask = Mask::of(&settings);
        let cases = [
            ("nothing to hide", "nothing to hide"),
            (
                "POST https://hooks.example.com/services/T000/s3cr3t?key=query giving up",
                "POST https://hooks.example.com/***** giving up",
            ),
            ("path /services/T000/s3cr3t", "path /*****"),
            ("telegram bottoken-value/x", "telegram bot*****/x"),
            ("pass-word and Bearer header", "***** and *****"),
            (
                "proxy http://user:proxy-pass@proxy.example.com:3128/ refused",
                "proxy http://proxy.example.com/***** refused",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(mask.apply(text), expected);
        }
    }

    #[test]
    fn short_words_and_plain_hosts_are_shown() {
        let mut settings = Settings::new(ProviderType::Generic);
        settings.address = "http://receiver.example.com".to_owned();
        settings.token = "a".to_owned();
        let text = "a post to http://receiver.example.com/ failed";
        assert_eq!(Mask::of(&settings).apply(text), text);
    }
}
