use super::*;

/// A table without a fault. Secrets are made of parts: a scanner of this repository must find none.
fn clean() -> String {
    let token = |side: &str| format!("{side}-read-token-{}", "0123456789");
    [
        "| TARGET | GROUP | KEY | DEV_VALUE | PROD_VALUE |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
        "| NEXTJS | App | NEXT_PUBLIC_CONVEX_URL | https://dev.convex.cloud | https://prod.convex.cloud |"
            .into(),
        "| NEXTJS | App | NEXT_PUBLIC_LOG_WORKER_URL | http://localhost:8787 | https://logs.example.com |"
            .into(),
        "| CONVEX | App | LOG_WORKER_URL | http://localhost:8787 | https://logs.example.com |".into(),
        "| LOG_WORKER | Redis | UPSTASH_REDIS_REST_URL | http://127.0.0.1:8079 | https://x.upstash.io |"
            .into(),
        format!("| LOG_WORKER | Redis | UPSTASH_REDIS_REST_TOKEN | local | {} |", token("redis")),
        format!("| LOG_WORKER | Tokens | LOG_READ_TOKEN | {} | {} |", token("dev"), token("prod")),
        "| LOG_WORKER | Limits | RATE_LIMIT_TRACE | 500 | 500 |".into(),
        "| NEXTJS | Shared | API_URL | https://api.example.org | https://api.example.org |".into(),
    ]
    .join("\n")
}

fn found_in(text: &str, only: Option<Environment>) -> Vec<String> {
    let found = findings(&Table::parse(text.as_bytes()).unwrap(), only);
    let shown = found.iter().map(|finding| {
        let line = finding.line.map_or("-".into(), |line| line.to_string());
        let side = finding.environment.map_or("both", Environment::as_str);
        let key = finding.key.as_deref().unwrap_or("-");
        assert!(!finding.hint.is_empty() && !finding.message.is_empty());
        format!("{line} {:?} {} {key} {side}", finding.severity, finding.rule)
    });
    shown.collect()
}

#[test]
fn a_table_without_a_fault_has_no_finding() {
    assert_eq!(found_in(&clean(), None), Vec::<String>::new());
}

#[test]
fn each_fault_is_found_by_its_rule_at_its_line() {
    let key = format!("sk_{}_{}", "live", "4eC39HqLyjWDarjtT1zdp7dc");
    let cases: Vec<(String, &str)> = vec![
        ("| MARS | g | KEY | a | b |".into(), "11 Error form - both"),
        (
            "| NEXTJS | g | API_URL | https://a.example.org | https://a.example.org |".into(),
            "11 Error duplicate API_URL both",
        ),
        (
            "| GITHUB | g | CLOUDFLARE_ACCOUNT_ID | a1 | a1 |".into(),
            "- Error missing CLOUDFLARE_API_TOKEN development",
        ),
        (
            "| LOG_WORKER | g | RATE_LIMIT_GLOBAL | many | 5 |".into(),
            "11 Error type RATE_LIMIT_GLOBAL development",
        ),
        (
            "| LOG_WORKER | g | LOG_ADMIN_TOKEN | short | |".into(),
            "11 Error type LOG_ADMIN_TOKEN development",
        ),
        (
            "| LOG_WORKER | g | ALLOWED_ORIGINS | | https://a.example/x |".into(),
            "11 Error type ALLOWED_ORIGINS production",
        ),
        ("| NEXTJS | g | SITE_URL | nowhere | |".into(), "11 Warning type SITE_URL development"),
        ("| NEXTJS | g | SOMETHING | your-value | |".into(), "11 Error placeholder SOMETHING development"),
        (
            format!("| NEXTJS | g | NEXT_PUBLIC_PAY | {key} | |"),
            "11 Error public-secret NEXT_PUBLIC_PAY development",
        ),
        (
            "| NEXTJS | g | NEXT_PUBLIC_APP_SECRET | a | |".into(),
            "11 Error public-secret NEXT_PUBLIC_APP_SECRET development",
        ),
        (
            format!("| NEXTJS | g | NEXT_PUBLIC_X | | redis-read-token-{} |", "0123456789"),
            "11 Error public-secret NEXT_PUBLIC_X production",
        ),
        (
            "| NEXTJS | g | AUTH_SECRET | 12345678 | 12345678 |".into(),
            "11 Error same-secret AUTH_SECRET development",
        ),
        ("| NEXTJS | g | AUTH_SECRET | 12345678 |".into(), "11 Warning same-secret AUTH_SECRET development"),
        (
            format!("| NEXTJS | g | OTHER | redis-read-token-{} | |", "0123456789"),
            "11 Error same-secret OTHER development",
        ),
        (
            "| LOG_WORKER | g | ENVIRONMENT | development | development |".into(),
            "11 Error environment ENVIRONMENT production",
        ),
        (
            "| NEXTJS | g | CALLBACK_URL | | http://localhost:3000 |".into(),
            "11 Error localhost-in-production CALLBACK_URL production",
        ),
        (
            "| NEXTJS | g | CALLBACK_URL | | http://a.example.org |".into(),
            "11 Error plain-http CALLBACK_URL production",
        ),
        (
            "| CONVEX | g | SYNC_URL | https://prod.convex.cloud/x | |".into(),
            "11 Error production-host SYNC_URL development",
        ),
        ("| LOG_WORKER | g | RATE_LIMT_TRACE | 5 | 5 |".into(), "11 Warning unread RATE_LIMT_TRACE both"),
    ];
    for (row, expected) in cases {
        let found = found_in(&format!("{}\n{row}", clean()), None);
        assert!(found.iter().any(|found| found == expected), "{row}: {found:?}");
    }
    let without_tokens = clean().replace("LOG_READ_TOKEN", "LOG_INGEST_TOKEN");
    assert_eq!(found_in(&without_tokens, None), ["- Warning reads-closed LOG_READ_TOKEN production"]);
}

#[test]
fn with_an_environment_only_what_concerns_it_is_said() {
    let text = format!("{}\n| NEXTJS | g | A_URL | nowhere | http://a.example.org |", clean());
    assert_eq!(found_in(&text, Some(Environment::Production)), ["11 Error plain-http A_URL production"]);
    assert_eq!(found_in(&text, Some(Environment::Development)), ["11 Warning type A_URL development"]);
}

#[test]
fn no_finding_tells_a_value() {
    let text = format!(
        "{}\n| NEXTJS | g | NEXT_PUBLIC_PASSWORD | geheim,wort | geheim,wort |\n| LOG_WORKER | g | LOG_ADMIN_TOKEN | geheim | geheim wort |",
        clean()
    );
    let found = findings(&Table::parse(text.as_bytes()).unwrap(), None);
    assert!(found.len() >= 3 && !format!("{found:?}").contains("geheim"), "{found:?}");
}
