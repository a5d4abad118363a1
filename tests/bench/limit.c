/* The limit: what C needs for the same work on the same libjpeg-turbo.
 *
 * Decode a JPEG at the scale that leaves 1.5 times the thumbnail's size, LANCZOS down
 * to it, encode at a quality with optimised Huffman tables. No orientation, no colour
 * profile, no guards: less work than the handler does. Commands on stdin, a line each:
 *
 *   load PATH     run QUALITY -> "wall-ms cpu-ms bytes"     save PATH
 *   version       reset -> VmRSS in kB                      peak -> VmHWM in kB
 */

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jpeglib.h>

enum { BOX = 256 };

typedef float pixel __attribute__((vector_size(16)));

typedef struct {
    int first, count;
    float weights[64];
} Taps;

static unsigned char *source, *result;
static unsigned long source_bytes, result_bytes;

static double milliseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double lanczos(double x) {
    if (x == 0) return 1;
    if (x <= -3 || x >= 3) return 0;
    x *= M_PI;
    return sin(x) / x * sin(x / 3) / (x / 3);
}

/* What each of `to` pixels takes from `from` pixels, of which `area` are the picture. */
static Taps *taps_for(int from, double area, int to) {
    Taps *taps = malloc(to * sizeof(Taps));
    double ratio = area / to, scale = ratio > 1 ? ratio : 1;
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * ratio, sum = 0;
        int first = (int)fmax(0, centre - 3 * scale + 0.5);
        int last = (int)fmin(from, centre + 3 * scale + 0.5);
        taps[i].first = first;
        taps[i].count = last - first > 64 ? 64 : last - first;
        for (int k = 0; k < taps[i].count; k++) {
            double weight = lanczos((first + k - centre + 0.5) / scale);
            taps[i].weights[k] = weight;
            sum += weight;
        }
        for (int k = 0; k < taps[i].count; k++) taps[i].weights[k] /= sum;
    }
    return taps;
}

/* Rows first: those loops run along memory; then columns, a whole pixel at a time. */
static unsigned char *resize(const unsigned char *from, int width, int height,
                             Taps *across, Taps *down, int to_width, int to_height) {
    unsigned char *to = malloc((size_t)to_width * to_height * 4);
    float *row = NULL;
    if (posix_memalign((void **)&row, 16, (size_t)width * 4 * sizeof(float))) exit(1);
    for (int y = 0; y < to_height; y++) {
        memset(row, 0, (size_t)width * 4 * sizeof(float));
        for (int k = 0; k < down[y].count; k++) {
            const unsigned char *line = from + (size_t)(down[y].first + k) * width * 4;
            float weight = down[y].weights[k];
            for (int x = 0; x < width * 4; x++) row[x] += weight * line[x];
        }
        for (int x = 0; x < to_width; x++) {
            pixel sum = {0.5f, 0.5f, 0.5f, 0.5f};
            const pixel *pixels = (const pixel *)row + across[x].first;
            for (int k = 0; k < across[x].count; k++)
                sum += pixels[k] * across[x].weights[k];
            for (int c = 0; c < 4; c++)
                to[((size_t)y * to_width + x) * 4 + c] =
                    sum[c] < 0 ? 0 : sum[c] > 255 ? 255 : (unsigned char)sum[c];
        }
    }
    free(row);
    (void)height;
    return to;
}

static void encode(unsigned char *pixels, int width, int height, int quality) {
    struct jpeg_compress_struct out;
    struct jpeg_error_mgr errors;
    out.err = jpeg_std_error(&errors);
    jpeg_create_compress(&out);
    free(result);
    result = NULL;
    result_bytes = 0;
    jpeg_mem_dest(&out, &result, &result_bytes);
    out.image_width = width;
    out.image_height = height;
    out.input_components = 4;
    out.in_color_space = JCS_EXT_RGBX;
    jpeg_set_defaults(&out);
    jpeg_set_quality(&out, quality, TRUE);
    out.optimize_coding = TRUE;
    jpeg_start_compress(&out, TRUE);
    while (out.next_scanline < out.image_height) {
        JSAMPROW row = pixels + (size_t)out.next_scanline * width * 4;
        jpeg_write_scanlines(&out, &row, 1);
    }
    jpeg_finish_compress(&out);
    jpeg_destroy_compress(&out);
}

static void run(int quality) {
    struct jpeg_decompress_struct in;
    struct jpeg_error_mgr errors;
    in.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&in);
    jpeg_mem_src(&in, source, source_bytes);
    jpeg_read_header(&in, TRUE);
    int longer = in.image_width > in.image_height ? in.image_width : in.image_height;
    double scale = longer > BOX ? (double)BOX / longer : 1;
    int width = (int)(in.image_width * scale + 0.5);
    int height = (int)(in.image_height * scale + 0.5);
    int shrink = 8;
    while (shrink > 1 && (in.image_width / shrink < 1.5 * width ||
                          in.image_height / shrink < 1.5 * height))
        shrink /= 2;
    in.scale_num = 1;
    in.scale_denom = shrink;
    in.out_color_space = JCS_EXT_RGBX;
    jpeg_start_decompress(&in);
    int from_width = in.output_width, from_height = in.output_height;
    unsigned char *pixels = malloc((size_t)from_width * from_height * 4);
    while (in.output_scanline < in.output_height) {
        JSAMPROW row = pixels + (size_t)in.output_scanline * from_width * 4;
        jpeg_read_scanlines(&in, &row, 1);
    }
    double area_width = (double)in.image_width / shrink;
    double area_height = (double)in.image_height / shrink;
    jpeg_finish_decompress(&in);
    jpeg_destroy_decompress(&in);

    Taps *across = taps_for(from_width, area_width, width);
    Taps *down = taps_for(from_height, area_height, height);
    unsigned char *small =
        resize(pixels, from_width, from_height, across, down, width, height);
    encode(small, width, height, quality);
    free(across);
    free(down);
    free(pixels);
    free(small);
}

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) exit(1);
    fseek(file, 0, SEEK_END);
    source_bytes = ftell(file);
    rewind(file);
    free(source);
    source = malloc(source_bytes);
    if (fread(source, 1, source_bytes, file) != source_bytes) exit(1);
    fclose(file);
}

static void save(const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(result, 1, result_bytes, file) != result_bytes) exit(1);
    fclose(file);
}

/* Setting the peak back to what is held now: /proc/PID/clear_refs, see proc(5). */
static void reset_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5", file);
    fclose(file);
}

static long status(const char *field) {
    char line[256];
    long value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, field, strlen(field))) value = atol(line + strlen(field));
    if (file) fclose(file);
    return value;
}

int main(void) {
    char line[4096];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, "run ", 4)) {
            double wall = milliseconds(CLOCK_MONOTONIC);
            double cpu = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
            run(atoi(line + 4));
            cpu = milliseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
            wall = milliseconds(CLOCK_MONOTONIC) - wall;
            printf("%.3f %.3f %lu\n", wall, cpu, result_bytes);
        } else if (!strncmp(line, "load ", 5)) {
            load(line + 5);
            puts("ok");
        } else if (!strncmp(line, "save ", 5)) {
            save(line + 5);
            puts("ok");
        } else if (!strcmp(line, "reset")) {
            reset_peak();
            printf("%ld\n", status("VmRSS:"));
        } else if (!strcmp(line, "peak")) {
            printf("%ld\n", status("VmHWM:"));
        } else if (!strcmp(line, "version")) {
            puts("C");
        }
    }
    return 0;
}
