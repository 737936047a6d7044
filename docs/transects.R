# The estimates of a census once more, in R, from its transects.csv alone.
#
#   Rscript transects.R transects.csv "STRATUM=N" ...
#
# N is the number of transects that the stratum could have: possible_transects in census.json.
# Method: Jolly, G. M. 1969, method 2, for strips of unequal size; the standard error is that of random lines
# (in census.json the limits with the spread "random lines"). Where the package survey is installed, its
# svyratio gives the ratio and its error, and both ways must agree.

words <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(words[1], check.names = FALSE, encoding = "UTF-8")
at <- regexpr("=[^=]*$", words[-1])
strata <- setNames(as.numeric(substring(words[-1], at + 1)), substring(words[-1], 1, at - 1))

cat("stratum,species,estimate,standard_error\n")
for (stratum in names(strata)) {
  for (species in unique(rows$species)) {
    own <- rows[rows$Region.Label == stratum & rows$species == species, ]
    lines <- unique(own[c("Sample.Label", "searched_km2", "Area")])
    seen <- tapply(ifelse(is.na(own$size), 0, own$size), own$Sample.Label, sum)
    y <- as.numeric(seen[as.character(lines$Sample.Label)]) # animals on each line
    z <- lines$searched_km2                                 # ground searched along it
    N <- strata[[stratum]]
    n <- length(y)
    ratio <- sum(y) / sum(z)
    spread <- sum((y - ratio * z)^2) / (n - 1)
    error <- sqrt(N * (N - n) / n * spread)
    if (requireNamespace("survey", quietly = TRUE)) {
      design <- survey::svydesign(ids = ~1, data = data.frame(y, z, N), fpc = ~N)
      found <- survey::svyratio(~y, ~z, design)
      stopifnot(all.equal(as.numeric(coef(found)), ratio))
      stopifnot(all.equal(as.numeric(survey::SE(found)) * N * mean(z), error))
    }
    cat(sprintf("\"%s\",\"%s\",%.4f,%.4f\n", stratum, species, lines$Area[1] * ratio, error))
  }
}
