//! Webhooks as Git hosts sign and send them.

use anyhow::{Context, Result, ensure};
use aws_lc_rs::hmac;

/// Tells a receiver at `url` of a push, as GitHub does, signed with `token`.
///
/// # Errors
/// If it does not answer with a success.
pub async fn github_push(client: &reqwest::Client, url: &str, token: &str) -> Result<()> {
    let body = r#"{"ref":"refs/heads/main"}"#;
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    let signature = hmac::sign(&key, body.as_bytes());
    let digits: Vec<String> = signature
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let answer = client
        .post(url)
        .header("Content-Type", "application/json")
        .header("X-GitHub-Event", "push")
        .header("X-Hub-Signature-256", format!("sha256={}", digits.concat()))
        .body(body)
        .send()
        .await
        .context("send the webhook")?;
    ensure!(
        answer.status().is_success(),
        "the receiver answers {}",
        answer.status()
    );
    Ok(())
}
